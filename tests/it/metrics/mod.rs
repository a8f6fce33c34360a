mod counts;
mod docs;
mod endpoint;
mod secrecy;
