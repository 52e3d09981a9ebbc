#[cfg(unix)]
#[must_use]
pub(crate) fn ping<__Server>() -> ::aport_gate::__private::ToolRoute<__Server>
where
    __Server: ::aport_gate::HasGate + ::core::marker::Send + ::core::marker::Sync
        + 'static,
{
    #[allow(unused_imports)]
    use ::core::convert::Into as _;
    #[::core::prelude::v1::derive(
        ::aport_gate::__private::serde::Deserialize,
        ::aport_gate::__private::serde::Serialize,
        ::aport_gate::__private::schemars::JsonSchema,
    )]
    #[serde(
        crate = "::aport_gate::__private::serde",
        deny_unknown_fields,
        expecting = "the arguments of `ping`"
    )]
    #[schemars(crate = "::aport_gate::__private::schemars")]
    #[allow(non_snake_case, clippy::struct_excessive_bools)]
    struct __PingArguments {}
    ::aport_gate::__private::gated_route::<
        __Server,
        __PingArguments,
    >(
        ::aport_gate::__private::ToolSpec {
            gated: ::aport_gate::__private::GatedTool {
                name: "ping",
                pack: {
                    ::aport_gate::__private::ToolPack {
                        id: "acme.ping.v1",
                        digest: ::core::option::Option::None,
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
                if ::aport_gate::__private::contract::Source::<()>::of_type()
                    .is_faithful()
                {
                    ::core::option::Option::None
                } else {
                    ::core::option::Option::Some(&[])
                }
            },
            title: ::core::option::Option::None,
            description: ::core::option::Option::None,
            annotations: ::aport_gate::__private::Annotations {
                title: ::core::option::Option::None,
                read_only_hint: ::core::option::Option::None,
                destructive_hint: ::core::option::Option::None,
                idempotent_hint: ::core::option::Option::None,
                open_world_hint: ::core::option::Option::None,
            },
            output_schema: <() as ::aport_gate::__private::ToolReturn>::output_schema(),
        },
        |__aport_arguments, __aport_context| {
            let _ = (__aport_arguments, &*__aport_context);
            ::core::result::Result::Ok(())
        },
        ::core::option::Option::None,
        |__aport_service, __aport_permit, __aport_arguments| {
            #[allow(
                clippy::fn_params_excessive_bools,
                clippy::needless_pass_by_value,
                clippy::too_many_arguments,
                clippy::trivially_copy_pass_by_ref,
                clippy::unused_async,
            )]
            async fn ping() {
                let answer = "pong";
            }
            let _ = (__aport_service, &__aport_permit);
            ::std::boxed::Box::pin(async move {
                #[allow(unused_imports)]
                use ::aport_gate::__private::{
                    ExecutionByDefault as _, ExecutionByReport as _,
                };
                let __PingArguments {} = __aport_arguments;
                let __aport_output = ping().await;
                let __aport_execution = (&::aport_gate::__private::ExecutionOf(
                    &__aport_output,
                ))
                    .execution();
                ::aport_gate::__private::Returned::new(__aport_output, __aport_execution)
            })
        },
    )
}
