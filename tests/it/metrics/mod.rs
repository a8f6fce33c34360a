mod counts;
mod endpoint;
mod secrecy;
