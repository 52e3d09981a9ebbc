/// Not the description.
#[must_use]
fn merge_pull_request<__Server>() -> ::gates::__private::ToolRoute<__Server>
where
    __Server: ::gates::HasGate + ::core::marker::Send + ::core::marker::Sync + 'static,
{
    #[allow(unused_imports)]
    use ::core::convert::Into as _;
    #[allow(unused_imports)]
    use ::core::option::Option::Some;
    #[::core::prelude::v1::derive(
        ::gates::__private::serde::Deserialize,
        ::gates::__private::serde::Serialize,
        ::gates::__private::schemars::JsonSchema,
    )]
    #[serde(
        crate = "::gates::__private::serde",
        deny_unknown_fields,
        expecting = "the arguments of `merge-pull-request`"
    )]
    #[schemars(crate = "::gates::__private::schemars")]
    #[allow(non_snake_case, clippy::struct_excessive_bools)]
    struct __MergePullRequestArguments {
        repository: String,
        #[serde(alias = "pr")]
        pr_number: u64,
        #[serde(default = "__default_base_branch")]
        base_branch: String,
        #[serde(default = "__default_draft")]
        draft: bool,
        #[serde(default = "__default_type")]
        r#type: Strategy,
    }
    fn __default_base_branch() -> String {
        ::core::convert::Into::into("main")
    }
    fn __default_draft() -> bool {
        ::core::default::Default::default()
    }
    fn __default_type() -> Strategy {
        Strategy::Squash
    }
    #[allow(dead_code)]
    fn __contract() {
        #[allow(unused_imports)]
        use ::gates::__private::contract::{OtherKind as _, OtherPresence as _};
        {
            ::gates::__private::contract::required(
                ::gates::__private::contract::Source::<String>::of_type().presence(),
            );
            ::gates::__private::contract::text(
                ::gates::__private::contract::Source::<String>::of_type().kind(),
            );
        }
        {
            ::gates::__private::contract::required(
                ::gates::__private::contract::Source::<u64>::of_type().presence(),
            );
            ::gates::__private::contract::integer(
                ::gates::__private::contract::Source::<u64>::of_type().kind(),
            );
        }
    }
    ::gates::__private::gated_route::<
        __Server,
        __MergePullRequestArguments,
    >(
        ::gates::__private::ToolSpec {
            gated: ::gates::__private::GatedTool {
                name: "merge-pull-request",
                pack: {
                    ::gates::__private::ToolPack {
                        id: "code.repository.merge.v1",
                        digest: ::core::option::Option::Some(
                            "sha256:…",
                        ),
                        json: ::core::option::Option::None,
                    }
                },
                mapped: &["action", "branch"],
                has_facts: false,
                redacted: &[],
                on_error: ::gates::__private::OnError::Hold,
            },
            compared: {
                #[allow(unused_imports)]
                use ::gates::__private::contract::OtherFaithful as _;
                if ::gates::__private::contract::Source::<
                    (Strategy, (bool, (String, (u64, (String, ()))))),
                >::of_type()
                    .is_faithful()
                {
                    ::core::option::Option::None
                } else {
                    ::core::option::Option::Some(&[("pr", "pr_number")])
                }
            },
            title: ::core::option::Option::Some("Merge"),
            description: ::core::option::Option::Some("Merge a pull request."),
            annotations: ::gates::__private::Annotations {
                title: ::core::option::Option::Some("Merge"),
                read_only_hint: ::core::option::Option::Some(false),
                destructive_hint: ::core::option::Option::Some(true),
                idempotent_hint: ::core::option::Option::Some(true),
                open_world_hint: ::core::option::Option::Some(false),
            },
            output_schema: <String as ::gates::__private::ToolReturn>::output_schema(),
        },
        |__aport_arguments, __aport_context| {
            let __MergePullRequestArguments {
                repository,
                pr_number,
                base_branch,
                draft,
                r#type,
            } = __aport_arguments;
            let _ = (repository, pr_number, base_branch, draft, r#type);
            let _ = (__aport_arguments, &*__aport_context);
            {
                let __aport_value = &("pr.merge");
                let _ = || {
                    #[allow(unused_imports)]
                    use ::gates::__private::contract::{
                        OtherKind as _, OtherPresence as _,
                    };
                    ::gates::__private::contract::required(
                        ::gates::__private::contract::Source::of_value(__aport_value)
                            .presence(),
                    );
                    ::gates::__private::contract::text(
                        ::gates::__private::contract::Source::of_value(__aport_value)
                            .kind(),
                    );
                };
                ::gates::__private::ContextFields::field(
                    __aport_context,
                    "action",
                    __aport_value,
                )?;
            }
            {
                let __aport_value = &(base_branch);
                let _ = || {
                    #[allow(unused_imports)]
                    use ::gates::__private::contract::{
                        OtherKind as _, OtherPresence as _,
                    };
                    ::gates::__private::contract::required(
                        ::gates::__private::contract::Source::of_value(__aport_value)
                            .presence(),
                    );
                    ::gates::__private::contract::text(
                        ::gates::__private::contract::Source::of_value(__aport_value)
                            .kind(),
                    );
                };
                ::gates::__private::ContextFields::field(
                    __aport_context,
                    "branch",
                    __aport_value,
                )?;
            }
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
            async fn merge_pull_request(
                repository: String,
                pr_number: u64,
                base_branch: String,
                draft: bool,
                r#type: Strategy,
            ) -> String {
                format!("merged #{pr_number}")
            }
            let _ = (__aport_service, &__aport_permit);
            ::std::boxed::Box::pin(async move {
                #[allow(unused_imports)]
                use ::gates::__private::{
                    ExecutionByDefault as _, ExecutionByReport as _,
                };
                let __MergePullRequestArguments {
                    repository: __aport_argument_0,
                    pr_number: __aport_argument_1,
                    base_branch: __aport_argument_2,
                    draft: __aport_argument_3,
                    r#type: __aport_argument_4,
                } = __aport_arguments;
                let __aport_output = merge_pull_request(
                        __aport_argument_0,
                        __aport_argument_1,
                        __aport_argument_2,
                        __aport_argument_3,
                        __aport_argument_4,
                    )
                    .await;
                let __aport_execution = (&::gates::__private::ExecutionOf(
                    &__aport_output,
                ))
                    .execution();
                ::gates::__private::Returned::new(__aport_output, __aport_execution)
            })
        },
    )
}
