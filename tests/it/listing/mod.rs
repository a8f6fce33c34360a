//! Listings: filters, orders, pages, and what they cost.

mod filters_and_pages;
mod query_plans;
mod slow_listings;
