//! The part of a text by which it is looked up on PostgreSQL.
//!
//! The index has a list of tokens for each trigram, and a lookup reads those of all trigrams of a text. A list of a trigram that every token
//! has is as long as the table. So only the part that few tokens have is looked up, and the whole text is compared with what is found.
//! How many tokens have a part is estimated from the samples of texts that the planner keeps.

use sea_orm::{ConnectionTrait, Statement};

use crate::store::Error;
use crate::store::sql::Sql;

/// A shorter text has no trigram.
const TRIGRAM: usize = 3;
/// How many trigrams of a text are compared with the samples.
const MAX_TRIGRAMS: usize = 32;
/// A text is not looked up if more tokens have each of its trigrams: they would all be read.
const MAX_EXPECTED: u64 = 40_000;
/// Which other trigrams are looked up with the rarest: longer lists cost more than they save.
const MAX_LISTED: u64 = 100_000;
/// How many texts of a sample may have a trigram by chance, although few tokens have it.
const BY_CHANCE: u64 = 2;

/// The part to look up; `None` if the text has no trigram, or only such that very many tokens have.
///
/// # Errors
/// When the database fails.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    text: &str,
    columns: &[&str],
) -> Result<Option<String>, Error> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < TRIGRAM {
        return Ok(None);
    }
    let backend = connection.get_database_backend();
    let row = connection.query_one_raw(statement(Sql::new(backend), text, columns)).await;
    let row = row.map_err(|err| Error::of_listing(err, backend))?;
    let numbers: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
    let mut numbers = numbers.iter().flat_map(|numbers| numbers.split(' ')).map(|number| number.parse().unwrap_or(0));
    let resolution = numbers.next().unwrap_or(0);
    Ok(choose(&letters, resolution, &numbers.collect::<Vec<_>>()))
}

/// For how many tokens one text of a sample stands, and how many are expected to have each trigram, with spaces between these numbers. As in
/// the index, words have a space on either side, and the database says what is the lower case of a letter.
fn statement(mut sql: Sql, text: &str, columns: &[&str]) -> Statement {
    let columns: Vec<String> = columns.iter().map(|column| format!("'{column}'")).collect();
    sql.text(&format!(
        "WITH sample AS MATERIALIZED (
             SELECT ' ' || regexp_replace(lower(part.value), '[^[:alnum:]]', ' ', 'g') || ' ' AS value, part.share, part.is_one_of_many FROM pg_stats AS stats CROSS JOIN LATERAL (
                 SELECT common.value, common.share::float8, false
                 FROM unnest(stats.most_common_vals::text::text[], stats.most_common_freqs) AS common(value, share)
                 UNION ALL
                 SELECT bound.value, greatest(0, 1 - stats.null_frac -
                     coalesce((SELECT sum(share) FROM unnest(stats.most_common_freqs) AS common(share)), 0))::float8 / count(*) OVER (), true
                 FROM unnest(stats.histogram_bounds::text::text[]) AS bound(value)
             ) AS part(value, share, is_one_of_many)
             WHERE stats.schemaname = ANY (current_schemas(false)) AND stats.tablename = 'api_token' AND stats.attname IN ({})
         )",
        columns.join(", ")
    ));
    sql.push(
        &format!(
            " SELECT greatest(0, max(of_trigram.resolution) * max(of_table.rows))::bigint || ' ' ||
                 string_agg(greatest(0, of_trigram.share * of_table.rows)::bigint::text, ' ' ORDER BY of_trigram.start)
             FROM (SELECT reltuples AS rows FROM pg_class WHERE oid = to_regclass('api_token')) AS of_table
             CROSS JOIN (
                 SELECT start, (SELECT coalesce(max(share), 0) FROM sample WHERE is_one_of_many) AS resolution,
                      (SELECT coalesce(sum(share), 0) FROM sample WHERE strpos(value, substr(asked.value, start, {TRIGRAM})) > 0) AS share
                 FROM (SELECT regexp_replace(lower(?::text), '[^[:alnum:]]', ' ', 'g') AS value) AS asked
                 CROSS JOIN generate_series(1, least({MAX_TRIGRAMS}, length(asked.value) - {TRIGRAM} + 1)) AS start
             ) AS of_trigram"
        ),
        [text.into()],
    );
    sql.statement()
}

/// The part around the rarest trigram, as long as each of its trigrams is rare enough. In a sample of a large table one text stands for many
/// tokens, and may be there by chance.
fn choose(letters: &[char], resolution: u64, expected: &[u64]) -> Option<String> {
    let by_chance = resolution.saturating_mul(BY_CHANCE);
    let (max_expected, max_listed) = (MAX_EXPECTED.max(by_chance), MAX_LISTED.max(by_chance));
    let trigrams = letters.windows(TRIGRAM).zip(expected);
    let counts: Vec<Option<u64>> = trigrams.map(|(trigram, count)| is_indexed(trigram).then_some(*count)).collect();
    let (count, start) = counts.iter().zip(0..).filter_map(|(count, start)| Some(((*count)?, start))).min()?;
    if count > max_expected {
        return None;
    }
    let count = |start: &usize| counts.get(*start).copied();
    let is_listed = |start: &usize| count(start).is_some_and(|count| count.is_none_or(|count| count <= max_listed));
    let is_end = |start: &usize| count(start).flatten().is_some();
    let first = (0..start).rev().take_while(is_listed).filter(is_end).last().unwrap_or(start);
    let last = (start + 1..).take_while(is_listed).filter(is_end).last().unwrap_or(start);
    letters.get(first..last + TRIGRAM).map(|part| part.iter().collect())
}

/// Whether the index has this trigram. `pg_trgm` takes words of letters and digits, with two spaces before and one behind. So of three
/// characters that two words share, it has others, which may be frequent.
fn is_indexed(trigram: &[char]) -> bool {
    matches!(
        trigram.iter().map(|letter| letter.is_alphanumeric()).collect::<Vec<_>>()[..],
        [_, true, true] | [true, true, _]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, expected: &[u64]) -> Option<String> {
        choose(&text.chars().collect::<Vec<_>>(), 0, expected)
    }

    #[test]
    fn the_part_that_few_tokens_have_is_chosen_and_what_many_have_is_left_out() {
        let million = 1_000_000;
        let customer = [million, million, million, million, million, million, million, 110_000, 10_000, 1_000];
        assert_eq!(chosen("customer 999", &customer).as_deref(), Some(" 999"));
        assert_eq!(chosen("999 customer", &[0, 100_000, 100_001, million]).as_deref(), Some("999 "));
        assert_eq!(
            chosen("ab cd e", &[0, 0, 0, 0, 0]).as_deref(),
            Some("ab cd "),
            "all of it but a letter, which many words have"
        );
    }

    #[test]
    fn a_text_is_not_looked_up_if_very_many_tokens_have_each_part_of_it() {
        assert_eq!(chosen("abc", &[MAX_EXPECTED]).as_deref(), Some("abc"));
        assert_eq!(chosen("abc", &[MAX_EXPECTED + 1]), None);
        assert_eq!(chosen("ab", &[]), None);
    }

    #[test]
    fn a_text_that_few_samples_have_is_looked_up_however_many_tokens_one_of_them_stands_for() {
        let letters: Vec<char> = "4711".chars().collect();
        let one = 99_000;
        assert_eq!(choose(&letters, one, &[one, 2 * one]).as_deref(), Some("4711"));
        assert_eq!(choose(&letters, one, &[3 * one, one]).as_deref(), Some("711"));
        assert_eq!(choose(&letters, one, &[3 * one, 3 * one]), None);
    }

    #[test]
    fn what_two_words_share_is_not_looked_up() {
        let million = 1_000_000;
        assert_eq!(chosen("omer cus", &[million, million, million, 0, million, million]), None);
        assert_eq!(chosen("---abc", &[0, 0, 10, 10]).as_deref(), Some("-abc"));
        assert_eq!(chosen("---", &[0]), None);
        assert_eq!(chosen("a-b", &[0]), None);
    }
}
