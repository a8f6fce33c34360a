//! Listings: filters, orders, pages, and what they cost.

mod list;
mod plans;
mod slow_listings;
