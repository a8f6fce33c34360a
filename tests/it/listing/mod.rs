//! Listings: filters, orders, pages, and what they cost.

mod conditions;
mod counts;
mod deadline_plans;
mod event_plans;
mod filters_and_pages;
mod orders;
mod query_plans;
mod slow_listings;
mod stops;
mod text_plans;
mod texts;
mod unused;
mod uses;
mod walks;
