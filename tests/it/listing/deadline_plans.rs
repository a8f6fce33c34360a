//! The search for deadlines reads what is due from an index, and no table as a whole.

use rotakey::domain::notice::{Deadline, Passed};
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::SweepPosition;

use super::query_plans::{check_postgres, filled};
use crate::support::clock::{MINUTE, START};

#[tokio::test]
async fn every_deadline_is_found_by_an_index() {
    let (server, store, _) = filled().await;
    let moment = |offset| Timestamp::from_unix_millis(START + offset);
    let all = Passed::ALL.map(Deadline::Rotation);
    let others = [Deadline::Expiry(1), Deadline::Expiry(43_200), Deadline::OverlapEnd(5), Deadline::Unused(1)];
    for deadline in all.into_iter().chain(others) {
        // A step of one minute, and of an hour long after all.
        for (from, to) in [(0, MINUTE), (90 * 24 * 60 * MINUTE, 90 * 24 * 60 * MINUTE + 60 * MINUTE)] {
            let after = SweepPosition { at: moment(from), token_id: None };
            let plan = store.explain_deadlines(deadline, after, moment(to), 25).await.unwrap();
            if !server.database.is_sqlite() {
                check_postgres(&plan, &(deadline, from));
                continue;
            }
            for line in plan.lines() {
                let detail = line.splitn(3, ' ').nth(2).unwrap();
                let reads_all = ["api_token", "value", "sorted"]
                    .iter()
                    .any(|table| detail == format!("SCAN {table}") || detail.starts_with(&format!("SCAN {table} ")));
                // It holds nothing but what housekeeping has not come to.
                assert!(!reads_all || detail.ends_with("unsorted_idx"), "{deadline:?} reads a whole table:\n{plan}");
            }
        }
    }
    store.close().await.unwrap();
}
