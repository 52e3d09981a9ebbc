impl Shop {
    /// Merge.
    #[tool(
        name = "merge-one",
        description = "Merge.",
        input_schema = ::aport_gate::__private::method_input(
            ::aport_gate::__private::schema_of_arguments::<Merge>()
        ),
        output_schema = ::aport_gate::rmcp::handler::server::tool::schema_for_output::<u64>(

        ),
        meta = ::aport_gate::__private::method_meta::<Self,
        _,
        _>(
            ::core::option::Option::Some(meta()),
            ::aport_gate::__private::GatedTool{name:"merge-one",
            pack:{::aport_gate::__private::ToolPack{id:"code.repository.merge.v1",
            digest:::core::option::Option::Some(
                "sha256:…"
            ),
            json:::core::option::Option::None}},
            mapped:&["action"],
            has_facts:false,
            redacted:&[],
            on_error:::aport_gate::__private::OnError::Hold,
            },
            Self::merge
        ),
    )]
    #[allow(
        clippy::too_many_arguments,
        clippy::unused_async,
        clippy::needless_pass_by_value
    )]
    fn merge(
        &self,
        __aport_call: ::aport_gate::__private::GatedCall,
        __aport_extracted_0: Extensions,
    ) -> ::aport_gate::__private::MethodAnswer<'_> {
        let __aport_schema = ::aport_gate::__private::schema_of_arguments::<Merge>();
        ::aport_gate::__private::gated_method::<
            Self,
            Merge,
            _,
        >(
            self,
            __aport_call,
            ::aport_gate::__private::GatedTool {
                name: "merge-one",
                pack: {
                    ::aport_gate::__private::ToolPack {
                        id: "code.repository.merge.v1",
                        digest: ::core::option::Option::Some(
                            "sha256:…",
                        ),
                        json: ::core::option::Option::None,
                    }
                },
                mapped: &["action"],
                has_facts: false,
                redacted: &[],
                on_error: ::aport_gate::__private::OnError::Hold,
            },
            &__aport_schema,
            |__aport_arguments, __aport_context| {
                let _ = (__aport_arguments, &*__aport_context);
                let _ = || {
                    #[allow(unused_imports)]
                    use ::aport_gate::__private::contract::{
                        OtherKind as _, OtherPresence as _,
                    };
                    let Merge {
                        repository: __aport_field_0,
                        branch: __aport_field_1,
                        pr_number: __aport_field_2,
                        ..
                    } = __aport_arguments;
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_0,
                            )
                            .presence(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_0,
                            )
                            .kind(),
                    );
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_1,
                            )
                            .presence(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_1,
                            )
                            .kind(),
                    );
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_2,
                            )
                            .presence(),
                    );
                    ::aport_gate::__private::contract::integer(
                        ::aport_gate::__private::contract::Source::of_value(
                                __aport_field_2,
                            )
                            .kind(),
                    );
                };
                #[allow(unused_variables)]
                let Parameters(Merge { repository, .. }) = ::aport_gate::rmcp::handler::server::wrapper::Parameters(
                    __aport_arguments,
                );
                {
                    let __aport_value = &("pr.merge");
                    let _ = || {
                        #[allow(unused_imports)]
                        use ::aport_gate::__private::contract::{
                            OtherKind as _, OtherPresence as _,
                        };
                        ::aport_gate::__private::contract::required(
                            ::aport_gate::__private::contract::Source::of_value(
                                    __aport_value,
                                )
                                .presence(),
                        );
                        ::aport_gate::__private::contract::text(
                            ::aport_gate::__private::contract::Source::of_value(
                                    __aport_value,
                                )
                                .kind(),
                        );
                    };
                    ::aport_gate::__private::ContextFields::field(
                        __aport_context,
                        "action",
                        __aport_value,
                    )?;
                }
                ::core::result::Result::Ok(())
            },
            ::core::option::Option::None,
            move |
                __aport_permit: ::std::sync::Arc<::aport_gate::Permit>,
                __aport_arguments|
            {
                let _ = (&__aport_permit, &__aport_arguments);
                ::std::boxed::Box::pin(async move {
                    #[allow(unused_imports)]
                    use ::aport_gate::__private::{
                        ExecutionByDefault as _, ExecutionByReport as _,
                    };
                    #[allow(unused_braces)]
                    let __aport_output: Result<Json<u64>, ErrorData> = (async move {
                        let Parameters(
                            Merge { mut repository, .. },
                        ): Parameters<Merge> = ::aport_gate::rmcp::handler::server::wrapper::Parameters(
                            __aport_arguments,
                        );
                        let extensions: Extensions = __aport_extracted_0;
                        let permit: &Permit = &*__aport_permit;
                        #[allow(unreachable_code)]
                        if let ::core::option::Option::Some(__returned) = ::core::option::Option::None::<
                            Result<Json<u64>, ErrorData>,
                        > {
                            return __returned;
                        }
                        { Ok(Json(1)) }
                    })
                        .await;
                    let __aport_execution = (&::aport_gate::__private::ExecutionOf(
                        &__aport_output,
                    ))
                        .execution();
                    ::aport_gate::__private::Returned::of_method(
                        __aport_output,
                        __aport_execution,
                    )
                })
            },
        )
    }
}
