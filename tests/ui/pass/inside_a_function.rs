#![deny(warnings)]

mod shop {
    pub mod refunds {
        use aport_gate::policy_gated;

        #[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
        pub(in crate::shop) async fn refund(order_id: String, #[cfg(unix)] owner: u32, #[cfg(not(unix))] label: String) -> String {
            #[cfg(unix)]
            let label = owner.to_string();
            order_id + &label
        }
    }

    pub fn tools<S: aport_gate::HasGate + Send + Sync + 'static>() {
        #[policy_gated(pack = "code.repository.merge.v1", unchecked)]
        async fn merge(repository: String) -> Result<String, std::fmt::Error> {
            Ok(repository)
        }
        let merge = merge::<S>();
        let refund = refunds::refund::<S>();
        drop((merge, refund));
    }

    use aport_gate::policy_gated;
}

fn main() {
    let _ = shop::tools::<aport_gate::Server<()>>;
}
