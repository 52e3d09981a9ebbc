-- Schema version 3 of the aport-gate ledger: a decision allows one call.

-- As in version 2, and it answers `decision_taken` to an allow that is on record already: its
-- reservation may be gone, its record never is.
CREATE OR REPLACE FUNCTION aport_gate.decide(
    new_decision_id text,
    new_at text,
    new_body text,
    allowed boolean,
    new_agent text,
    new_policy text,
    seen_ids bytea[],
    seen_totals bigint[],
    seen_key_id bytea,
    seen_key boolean,
    charge_ids bytea[],
    charge_counters text[],
    charge_keys text[],
    charge_periods text[],
    charge_starts bigint[],
    charge_ends bigint[],
    charge_amounts bigint[],
    take_key_id bytea,
    take_key text,
    decided_at bigint,
    new_open_until bigint,
    OUT status text,
    OUT current_totals bigint[],
    OUT key_seen boolean,
    OUT behind bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM aport_gate.take_turn();
    current_totals := aport_gate.totals(seen_ids);
    key_seen := EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = seen_key_id);
    IF current_totals IS DISTINCT FROM seen_totals OR key_seen IS DISTINCT FROM seen_key THEN
        status := 'stale';
        RETURN;
    END IF;
    IF allowed THEN
        SELECT pruned_until INTO behind FROM aport_gate.upkeep
        WHERE one = 1 AND pruned_until > decided_at;
        IF FOUND THEN
            status := 'clock_behind';
            RETURN;
        END IF;
        IF EXISTS (SELECT FROM aport_gate.audit WHERE decision_id = new_decision_id) THEN
            status := 'decision_taken';
            RETURN;
        END IF;
        IF take_key_id IS NOT NULL
            AND EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = take_key_id)
        THEN
            status := 'key_taken';
            RETURN;
        END IF;
        -- A decision that its server has given up has a row here, and is refused.
        INSERT INTO aport_gate.reservations (
            decision_id, agent, policy, state, counter_ids, amounts, key_id, open_until
        ) VALUES (
            new_decision_id, new_agent, new_policy, 'pending',
            charge_ids, charge_amounts, take_key_id, new_open_until
        );
        FOR place IN 1 .. cardinality(charge_ids) LOOP
            IF charge_amounts[place] < 0 THEN
                RAISE EXCEPTION 'a charge is negative';
            END IF;
            INSERT INTO aport_gate.counters AS held VALUES (
                charge_ids[place], new_agent, new_policy, charge_counters[place],
                charge_keys[place], charge_periods[place], charge_starts[place],
                charge_ends[place], charge_amounts[place]
            )
            ON CONFLICT (id) DO UPDATE SET total = held.total + excluded.total;
        END LOOP;
        IF take_key_id IS NOT NULL THEN
            INSERT INTO aport_gate.idempotency_keys
            VALUES (take_key_id, new_agent, new_policy, take_key, new_decision_id);
        END IF;
    END IF;
    PERFORM aport_gate.append(new_at, 'decision', new_decision_id, new_body);
    status := 'recorded';
END $$;

UPDATE aport_gate.version SET version = 3 WHERE one = 1;
