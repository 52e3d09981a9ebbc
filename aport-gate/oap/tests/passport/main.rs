//! Passports: checks, states, times, parents, allowlists, parameters, approval.

#[cfg(test)]
mod approval;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod check;
#[cfg(test)]
mod setting;
#[cfg(test)]
mod spelled;
#[cfg(test)]
mod standing;
