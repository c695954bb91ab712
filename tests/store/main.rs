//! What the store promises, held on both databases: every test below is run on SQLite and on a
//! real PostgreSQL.

mod audit;
mod decisions;
mod leases;
mod ports;
#[path = "../support/postgres.rs"]
mod postgres;
mod rows;
mod samples;
mod schema;
mod secrets;
mod subnets;
mod world;

/// Stamps each test on both databases.
macro_rules! contract {
    ($($module:ident { $($test:ident,)* })*) => {
        mod on_sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::world::World::sqlite().await).await;
                })*
            })*
        }
        mod on_postgres {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::world::World::postgres().await).await;
                })*
            })*
        }
    };
}

contract! {
    rows {
        an_instance_reads_as_it_was_written,
        instances_come_the_oldest_first,
        a_binding_reads_as_it_was_written,
        an_operation_reads_as_it_was_written,
        the_newest_operation_is_the_one_begun_last,
        operations_are_listed_the_newest_first,
        any_text_is_kept,
        instances_are_counted_by_tenant_and_plan,
    }
    decisions {
        a_dropped_decision_leaves_nothing,
        decisions_on_one_instance_begin_one_operation,
        a_second_running_operation_is_a_conflict,
        two_tenants_instances_are_decided_at_once,
        a_quota_is_not_exceeded_by_deciding_at_once,
        running_operations_of_bindings_are_seen,
    }
    leases {
        eight_workers_claim_each_operation_once,
        the_most_urgent_is_claimed_first,
        nothing_is_claimed_before_it_is_due,
        a_lost_lease_writes_nothing,
        renewing_keeps_the_lease_and_tells_people,
        recording_a_step_moves_the_operation_and_its_instance,
        recording_a_running_operation_lets_it_be_claimed_when_due,
        a_called_off_operation_is_written_no_more,
        what_follows_a_called_off_operation_waits_until_it_is_let_go,
        what_follows_a_dead_workers_called_off_operation_waits_for_its_lease,
        a_new_process_ends_all_leases,
        forgetting_a_binding,
        forgetting_an_instance_takes_all_with_it,
        forgetting_keeps_what_others_own,
        an_instance_made_again_is_not_removed,
        old_operations_are_forgotten,
    }
    ports {
        the_lowest_free_ports_are_given,
        a_used_up_range_says_so,
        many_at_once_get_distinct_ports,
        a_taken_port_is_exchanged_and_held_back,
        a_port_that_an_app_may_know_is_never_exchanged,
        a_port_belongs_to_one_instance,
    }
    subnets {
        a_tenant_keeps_its_subnet,
        a_used_up_pool_says_so,
        many_tenants_at_once_get_distinct_subnets,
    }
    audit {
        entries_come_the_newest_first,
        old_entries_are_forgotten,
    }
    secrets {
        no_secret_is_in_any_row,
        sealed_values_cannot_be_swapped,
        an_unreadable_row_tells_no_secret,
        another_master_key_is_refused_at_once,
        an_older_key_still_opens,
    }
    schema {
        opening_again_keeps_everything,
        many_brokers_may_open_at_once,
        a_newer_schema_is_refused_and_left_alone,
        every_migration_runs_on_the_data_of_those_before,
    }
}
