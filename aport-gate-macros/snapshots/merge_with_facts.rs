#[must_use]
fn merge<__Server>() -> ::aport_gate::__private::ToolRoute<__Server>
where
    __Server: ::aport_gate::HasGate + ::aport_gate::HasService<Host>
        + ::core::marker::Send + ::core::marker::Sync + 'static,
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
        expecting = "the arguments of `merge`"
    )]
    #[schemars(crate = "::aport_gate::__private::schemars")]
    #[allow(non_snake_case, clippy::struct_excessive_bools)]
    struct __MergeArguments {
        repository: String,
        pr_number: u64,
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
                ::aport_gate::__private::contract::Source::<u64>::of_type().presence(),
            );
            ::aport_gate::__private::contract::integer(
                ::aport_gate::__private::contract::Source::<u64>::of_type().kind(),
            );
        }
    }
    ::aport_gate::__private::gated_route::<
        __Server,
        __MergeArguments,
    >(
        ::aport_gate::__private::ToolSpec {
            gated: ::aport_gate::__private::GatedTool {
                name: "merge",
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
                has_facts: true,
                redacted: &["repository"],
                on_error: ::aport_gate::__private::OnError::Release,
            },
            compared: {
                #[allow(unused_imports)]
                use ::aport_gate::__private::contract::OtherFaithful as _;
                if ::aport_gate::__private::contract::Source::<
                    (u64, (String, ())),
                >::of_type()
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
            output_schema: <String as ::aport_gate::__private::ToolReturn>::output_schema(),
        },
        |__aport_arguments, __aport_context| {
            let __MergeArguments { repository, pr_number } = __aport_arguments;
            let _ = (repository, pr_number);
            let _ = (__aport_arguments, &*__aport_context);
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
        ::core::option::Option::Some(|__aport_service, __aport_arguments| {
            ::std::boxed::Box::pin(async move {
                let __aport_facts_function = host::pull_request;
                let __MergeArguments { repository, pr_number } = __aport_arguments;
                let _ = (__aport_service, repository, pr_number);
                let host = <__Server as ::aport_gate::HasService<
                    Host,
                >>::service(__aport_service);
                let _ = host;
                let __aport_facts = {
                    let __aport_returned = (__aport_facts_function(
                        host,
                        repository,
                        pr_number,
                    ))
                        .await;
                    ::aport_gate::__private::FactsResult::into_facts(__aport_returned)?
                };
                let _ = || {
                    #[allow(unused_imports)]
                    use ::aport_gate::__private::contract::{
                        OtherKind as _, OtherPresence as _,
                    };
                    #[diagnostic::on_unimplemented(
                        message = "`merge` does not supply a field that pack `code.repository.merge.v1` requires, and `{Self}` does not hold it:\n  `branch`: string, Branch to merge into",
                        label = "lacks a fact",
                        note = "add what is missing to the facts under its name, or\nadd to the parameters: `branch: String`"
                    )]
                    trait __FactsHold {}
                    #[diagnostic::do_not_recommend]
                    impl<
                        __Facts: ::aport_gate::__private::contract::HoldsFact<
                                10493036345975868325u64,
                            >,
                    > __FactsHold for __Facts {}
                    fn __facts_hold<__Facts: __FactsHold>(_: &__Facts) {}
                    __facts_hold(&__aport_facts);
                    #[allow(unused_imports)]
                    use ::aport_gate::__private::contract::OtherFact as _;
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            7307200393872299743u64,
                        >::of(&__aport_facts)
                            .source()
                            .presence(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            7307200393872299743u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            10493036345975868325u64,
                        >::of(&__aport_facts)
                            .source()
                            .presence(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            10493036345975868325u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::integer(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            6454663689379731137u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::integer(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            3330081422394370231u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            5816029540703591513u64,
                        >::of(&__aport_facts)
                            .source()
                            .presence(),
                    );
                    ::aport_gate::__private::contract::integer(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            5816029540703591513u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::required(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            6249526215329695381u64,
                        >::of(&__aport_facts)
                            .source()
                            .presence(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            6249526215329695381u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::integer(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            12981730298283666268u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    ::aport_gate::__private::contract::text(
                        ::aport_gate::__private::contract::Fact::<
                            _,
                            15722393318163439657u64,
                        >::of(&__aport_facts)
                            .source()
                            .kind(),
                    );
                    struct __Pack;
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        7307200393872299743u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        15430775036518726786u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        17944972802798494508u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        10493036345975868325u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        4738193305818587196u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        12818901015042040436u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        14335048430463235953u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        14595384746719022877u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        3699728092784203075u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        8251631209683867461u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        6454663689379731137u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        3330081422394370231u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        7603008079237075091u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        1440499866615140798u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        18099986939018035560u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        2403468754648211274u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        626092740288339108u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        5816029540703591513u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        6249526215329695381u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        12981730298283666268u64,
                    > for __Pack {}
                    #[diagnostic::do_not_recommend]
                    impl ::aport_gate::__private::contract::KnowsFact<
                        15722393318163439657u64,
                    > for __Pack {}
                    ::aport_gate::__private::contract::facts_known_to::<
                        __Pack,
                        _,
                    >(&__aport_facts);
                };
                ::aport_gate::__private::FactFields::of(&__aport_facts)
            })
        }),
        |__aport_service, __aport_permit, __aport_arguments| {
            #[allow(
                clippy::fn_params_excessive_bools,
                clippy::needless_pass_by_value,
                clippy::too_many_arguments,
                clippy::trivially_copy_pass_by_ref,
                clippy::unused_async,
            )]
            async fn merge(host: &Host, repository: String, pr_number: u64) -> String {
                repository
            }
            let _ = (__aport_service, &__aport_permit);
            ::std::boxed::Box::pin(async move {
                #[allow(unused_imports)]
                use ::aport_gate::__private::{
                    ExecutionByDefault as _, ExecutionByReport as _,
                };
                let __MergeArguments {
                    repository: __aport_argument_0,
                    pr_number: __aport_argument_1,
                } = __aport_arguments;
                let __aport_output = merge(
                        <__Server as ::aport_gate::HasService<
                            Host,
                        >>::service(__aport_service),
                        __aport_argument_0,
                        __aport_argument_1,
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
