/// Refund an order.
///
/// At most once.
#[allow(clippy::too_many_arguments)]
#[must_use]
pub fn process_refund<__Server>() -> ::aport_gate::__private::ToolRoute<__Server>
where
    __Server: ::aport_gate::HasGate + ::aport_gate::HasService<RefundDesk>
        + ::core::marker::Send + ::core::marker::Sync + 'static,
{
    #[allow(unused_imports)]
    use ::core::convert::Into as _;
    #[allow(unused_imports)]
    use ::core::option::Option::Some;
    #[::core::prelude::v1::derive(
        ::aport_gate::__private::serde::Deserialize,
        ::aport_gate::__private::serde::Serialize,
        ::aport_gate::__private::schemars::JsonSchema,
    )]
    #[serde(
        crate = "::aport_gate::__private::serde",
        deny_unknown_fields,
        expecting = "the arguments of `process_refund`"
    )]
    #[schemars(crate = "::aport_gate::__private::schemars")]
    #[allow(non_snake_case, clippy::struct_excessive_bools)]
    struct __ProcessRefundArguments {
        /// Order to refund.
        order_id: String,
        #[serde(rename = "customer_id")]
        customer: String,
        /// Amount in minor units (cents).
        #[schemars(range(min = 1))]
        amount: u64,
        currency: Currency,
        region: String,
        idempotency_key: String,
        #[serde(default = "__default_reason_code")]
        reason_code: String,
        note: Option<String>,
    }
    fn __default_reason_code() -> String {
        ::core::convert::Into::into("customer_request")
    }
    #[allow(dead_code)]
    fn __contract() {
        #[allow(unused_imports)]
        use ::aport_gate::__private::contract::{OtherKind as _, OtherPresence as _};
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<String>::of_type().presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<String>::of_type().presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<u64>::of_type().presence(),
            );
            ::aport_gate::__private::contract::integer(
                ::aport_gate::__private::contract::Source::<u64>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<Currency>::of_type()
                    .presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<Currency>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<String>::of_type().presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<String>::of_type().presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::required(
                ::aport_gate::__private::contract::Source::<String>::of_type().presence(),
            );
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::aport_gate::__private::contract::text(
                ::aport_gate::__private::contract::Source::<Option<String>>::of_type()
                    .kind(),
            );
        }
    }
    ::aport_gate::__private::gated_route::<
        __Server,
        __ProcessRefundArguments,
    >(
        ::aport_gate::__private::ToolSpec {
            gated: ::aport_gate::__private::GatedTool {
                name: "process_refund",
                pack: {
                    ::aport_gate::__private::ToolPack {
                        id: "finance.payment.refund.v1",
                        digest: ::core::option::Option::Some(
                            "sha256:…",
                        ),
                        json: ::core::option::Option::None,
                    }
                },
                mapped: &[],
                has_facts: false,
                redacted: &[],
                on_error: ::aport_gate::__private::OnError::Hold,
            },
            compared: {
                #[allow(unused_imports)]
                use ::aport_gate::__private::contract::OtherFaithful as _;
                if ::aport_gate::__private::contract::Source::<
                    (
                        Option<String>,
                        (
                            String,
                            (String, (String, (Currency, (u64, (String, (String, ())))))),
                        ),
                    ),
                >::of_type()
                    .is_faithful()
                {
                    ::core::option::Option::None
                } else {
                    ::core::option::Option::Some(&[])
                }
            },
            title: ::core::option::Option::None,
            description: ::core::option::Option::Some(
                "Refund an order.\n\nAt most once.",
            ),
            annotations: ::aport_gate::__private::Annotations {
                title: ::core::option::Option::None,
                read_only_hint: ::core::option::Option::None,
                destructive_hint: ::core::option::Option::None,
                idempotent_hint: ::core::option::Option::None,
                open_world_hint: ::core::option::Option::None,
            },
            output_schema: <Result<
                Json<Receipt>,
                RefundError,
            > as ::aport_gate::__private::ToolReturn>::output_schema(),
        },
        |__aport_arguments, __aport_context| {
            let _ = (__aport_arguments, &*__aport_context);
            ::core::result::Result::Ok(())
        },
        ::core::option::Option::None,
        |__aport_service, __aport_permit, __aport_arguments| {
            #[instrument(skip_all)]
            #[allow(
                clippy::fn_params_excessive_bools,
                clippy::needless_pass_by_value,
                clippy::too_many_arguments,
                clippy::trivially_copy_pass_by_ref,
                clippy::unused_async,
            )]
            async fn process_refund(
                desk: &RefundDesk,
                permit: &Permit,
                order_id: String,
                customer: String,
                amount: u64,
                currency: Currency,
                region: String,
                idempotency_key: String,
                mut reason_code: String,
                note: Option<String>,
            ) -> Result<Json<Receipt>, RefundError> {
                desk.refund(permit, order_id, amount, note).await
            }
            let _ = (__aport_service, &__aport_permit);
            ::std::boxed::Box::pin(async move {
                #[allow(unused_imports)]
                use ::aport_gate::__private::{
                    ExecutionByDefault as _, ExecutionByReport as _,
                };
                let __ProcessRefundArguments {
                    order_id: __aport_argument_0,
                    customer: __aport_argument_1,
                    amount: __aport_argument_2,
                    currency: __aport_argument_3,
                    region: __aport_argument_4,
                    idempotency_key: __aport_argument_5,
                    reason_code: __aport_argument_6,
                    note: __aport_argument_7,
                } = __aport_arguments;
                let __aport_output = process_refund(
                        <__Server as ::aport_gate::HasService<
                            RefundDesk,
                        >>::service(__aport_service),
                        &*__aport_permit,
                        __aport_argument_0,
                        __aport_argument_1,
                        __aport_argument_2,
                        __aport_argument_3,
                        __aport_argument_4,
                        __aport_argument_5,
                        __aport_argument_6,
                        __aport_argument_7,
                    )
                    .await;
                let __aport_execution = (&::aport_gate::__private::ExecutionOf(
                    &__aport_output,
                ))
                    .execution();
                ::aport_gate::__private::Returned::new(__aport_output, __aport_execution)
            })
        },
    )
}
