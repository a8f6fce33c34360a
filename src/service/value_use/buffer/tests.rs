use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(number: usize) -> TokenId {
    TokenId::new(at(i64::try_from(number).unwrap()), [0; 10])
}

fn buffer() -> UseBuffer {
    UseBuffer::new(AddressPrecision::Block)
}

/// A use from this host of a network, by this user agent.
fn record(uses: &UseBuffer, value: ValueKey, (network, host): (u8, u8), user_agent: &[u8], now: i64) {
    uses.record(value, Some([203, 0, network, host].into()), Some(user_agent), at(now));
}

/// From each network one request.
fn record_from(uses: &UseBuffer, value: ValueKey, networks: impl IntoIterator<Item = u8>, now: i64) {
    networks.into_iter().for_each(|network| record(uses, value, (network, 1), b"curl/8", now));
}

/// What is buffered of a value.
fn known(uses: &UseBuffer, value: ValueKey) -> ValueUse {
    uses.of_values(&[value]).remove(&value).unwrap_or_default()
}

/// All that is buffered, in the order in which it is written.
fn all(uses: &UseBuffer) -> Vec<RecordedUse> {
    let (mut all, mut batch) = (Vec::new(), uses.batch(None));
    while !batch.uses.is_empty() {
        all.extend(batch.uses.clone());
        batch = uses.batch(Some(&batch));
    }
    all
}

#[test]
fn each_user_of_each_value_is_counted_apart() {
    let uses = buffer();
    let (old, new) = ((id(1), 1), (id(1), 2));
    for (value, network, host, user_agent, now) in [
        (old, 1, 1, &b"curl/8.5.0"[..], 10),
        (old, 1, 2, b"curl/8.6.0", 30),
        (old, 1, 3, b"orders", 20),
        (old, 2, 1, b"curl/8.5.0", 5),
        (new, 1, 1, b"curl/8.5.0", 40),
    ] {
        record(&uses, value, (network, host), user_agent, now);
    }
    let found = known(&uses, old);
    assert_eq!((found.last_used_at, found.count), (Some(at(30)), 4));
    let users: Vec<_> = found.users().map(|(user, used)| (user.clone(), used)).collect();
    let user = |address: &str, user_agent: &str| User {
        address: Some(address.to_owned()),
        user_agent: Some(user_agent.to_owned()),
    };
    let used = |first, last, count| UserUse { first_seen_at: at(first), last_seen_at: at(last), count };
    assert_eq!(
        users,
        [
            (user("203.0.1.0/24", "curl"), used(10, 30, 2)),
            (user("203.0.1.0/24", "orders"), used(20, 20, 1)),
            (user("203.0.2.0/24", "curl"), used(5, 5, 1)),
        ]
    );
    assert_eq!((uses.latest_of_value(old), uses.latest_of_value(new)), (Some(at(30)), Some(at(40))));
    assert_eq!((uses.latest(id(1), Some(at(1))), uses.latest(id(1), Some(at(90)))), (Some(at(40)), Some(at(90))));
    assert_eq!((uses.latest(id(2), None), uses.latest_of_value((id(2), 1))), (None, None));
}

#[test]
fn what_was_written_is_removed_and_what_came_meanwhile_stays() {
    let uses = buffer();
    record_from(&uses, (id(1), 1), [1, 1, 1, 2], 10);
    let batch = uses.batch(None);
    assert_eq!(batch.uses.iter().map(|written| written.used.count).sum::<u64>(), 4);
    record_from(&uses, (id(1), 1), [1, 3], 20);
    uses.remove_written(&batch);
    let left = known(&uses, (id(1), 1));
    assert_eq!((left.count, left.users().count(), left.last_used_at), (2, 2, Some(at(20))));
    let batch = uses.batch(None);
    uses.remove_written(&batch);
    assert_eq!((uses.len(), known(&uses, (id(1), 1))), (0, ValueUse::default()));
    uses.forget_users();
    assert!(uses.pending().users.is_empty());
    // Again, in the place of the first.
    record_from(&uses, (id(1), 1), [1], 30);
    assert_eq!(known(&uses, (id(1), 1)).users().next().unwrap().1.count, 1);
}

#[test]
fn a_write_that_failed_is_repeated_with_all_that_came_since() {
    let uses = buffer();
    record_from(&uses, (id(1), 1), [1], 10);
    assert_eq!(uses.batch(None).uses[0].used.count, 1);
    record_from(&uses, (id(1), 1), [1], 20);
    let batch = uses.batch(None);
    assert_eq!(batch.uses[0].used, UserUse { first_seen_at: at(10), last_seen_at: at(20), count: 2 });
    uses.forget_users();
    assert!(all(&uses)[0].user.is_some(), "a user is remembered as long as there is something to write");
}

#[test]
fn batches_are_bounded_and_follow_each_other_whatever_comes_meanwhile() {
    let uses = buffer();
    for number in 0..1_200 {
        record_from(&uses, (id(number), 1), [1], 10);
    }
    let (mut sizes, mut batch) = (Vec::new(), uses.batch(None));
    while !batch.uses.is_empty() {
        sizes.push(batch.uses.len());
        // So that none of the written entries is removed.
        batch.uses.iter().for_each(|written| record_from(&uses, (written.token_id, 1), [1], 20));
        uses.remove_written(&batch);
        batch = uses.batch(Some(&batch));
    }
    assert_eq!(sizes, [500, 500, 200]);
    assert_eq!(uses.len(), 1_200);
}

#[test]
fn a_value_with_many_users_keeps_some_apart_and_counts_the_others_together() {
    let uses = buffer();
    for round in 0..3 {
        record_from(&uses, (id(1), 1), 0..200, round);
    }
    let found = known(&uses, (id(1), 1));
    assert_eq!((found.count, found.users().count(), found.last_used_at), (600, MAX_KEPT_USERS, Some(at(2))));
    assert_eq!(uses.len(), MAX_KEPT_USERS + 1);
    assert_eq!(all(&uses).iter().filter(|written| written.user.is_none()).count(), 1);
}

#[test]
fn users_are_kept_apart_again_after_a_write_although_a_crowd_goes_on() {
    let uses = buffer();
    let value = (id(1), 1);
    record_from(&uses, value, 0..200, 0);
    for round in 1..4 {
        let batch = uses.batch(None);
        // One of those that are counted together, while the others are being written.
        record_from(&uses, value, [250], round);
        uses.remove_written(&batch);
        assert_eq!(known(&uses, value).count, 1);
        let networks = if round % 2 == 0 { 0..200 } else { 50..250 };
        record_from(&uses, value, networks, round);
        let found = known(&uses, value);
        assert_eq!((found.count, found.users().count()), (201, MAX_KEPT_USERS), "{round}");
    }
}

/// A value in use must not seem silent, whenever its use is written (R15).
#[tokio::test]
async fn r15_a_use_that_is_written_while_it_is_looked_up_is_found() {
    let uses = buffer();
    let value = (id(1), 1);
    record_from(&uses, value, [1], 10);
    // The database is read, and then written.
    let read_too_early = async {
        let batch = uses.batch(None);
        uses.remove_written(&batch);
        Ok::<_, ()>(None)
    };
    let (buffered, written) = uses.and_written(|uses| uses.latest_of_value(value), read_too_early).await.unwrap();
    assert_eq!(buffered.max(written), Some(at(10)));
    assert_eq!(uses.latest_of_value(value), None, "it was written");
}

#[test]
fn the_buffer_is_bounded_and_later_uses_by_known_users_still_count() {
    let uses = buffer();
    for number in 0..MAX_ENTRIES + 10 {
        record_from(&uses, (id(number), 1), [1], 0);
    }
    assert_eq!(uses.len(), MAX_ENTRIES);
    assert!(uses.is_nearly_full());
    let last = (id(MAX_ENTRIES + 9), 1);
    assert_eq!(uses.latest_of_value(last), None);
    record_from(&uses, (id(0), 1), [1, 2, 3], 9);
    let found = known(&uses, (id(0), 1));
    assert_eq!((found.count, found.users().count()), (2, 1), "no room for other users, not even together");
    let batch = uses.batch(None);
    uses.remove_written(&batch);
    record_from(&uses, last, [1], 9);
    assert_eq!(uses.latest_of_value(last), Some(at(9)));
    // Beyond this many entries, only values get one.
    let of_users = known(&uses, (id(MAX_USER_ENTRIES - 1), 1)).users().count();
    let of_others = known(&uses, (id(MAX_USER_ENTRIES), 1)).users().count();
    assert_eq!((of_users, of_others), (1, 0));
}

#[test]
fn distinct_users_are_bounded() {
    let uses = buffer();
    for number in 0..MAX_USERS + 5 {
        let user_agent = format!("agent{number}/1");
        record(&uses, (id(number), 1), (1, 1), user_agent.as_bytes(), 0);
    }
    let users = uses.pending().users.len();
    assert_eq!((users, uses.len()), (MAX_USERS, MAX_USERS + 5));
    assert!(uses.is_nearly_full(), "so that others are kept apart soon");
    assert_eq!(known(&uses, (id(MAX_USERS + 4), 1)).count, 1);
}

/// So that the constants bound what their comments say.
#[test]
fn an_entry_takes_as_much_as_it_says() {
    assert_eq!(size_of::<((ValueKey, UserHash), Entry)>(), 64);
    assert!(size_of::<(UserHash, SentBy)>() <= 48);
}

#[test]
fn no_use_is_lost_by_threads_that_record_while_another_writes() {
    const EACH: u8 = 250;
    let uses = buffer();
    let written = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..EACH).for_each(|round| record_from(&uses, (id(1), 1), 0..10, i64::from(round))));
        }
        scope.spawn(|| {
            for _ in 0..500 {
                let batch = uses.batch(None);
                let counts = batch.uses.iter().map(|written| written.used.count).sum();
                uses.remove_written(&batch);
                written.fetch_add(counts, std::sync::atomic::Ordering::Relaxed);
            }
        });
    });
    let left = known(&uses, (id(1), 1)).count;
    assert_eq!(written.into_inner() + left, 4 * 10 * u64::from(EACH));
}
