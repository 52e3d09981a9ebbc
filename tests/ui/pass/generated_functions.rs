#![deny(warnings)]

use aport_gate::policy_gated;

macro_rules! tools {
    ($($name:ident($argument:ident: $ty:ty) in $pack:literal, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[policy_gated(pack = $pack, unchecked, context(value = $argument))]
            pub async fn $name($argument: $ty, other: Option<$ty>) -> $ty {
                let arguments = $argument;
                drop(other);
                arguments
            }
        )*
    };
}

tools! {
    refund(order: String) in "finance.payment.refund.v1", "Refund.";
    merge(branch: String) in "code.repository.merge.v1", "Merge.";
}

fn main() {}
