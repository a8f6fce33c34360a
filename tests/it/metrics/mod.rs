mod endpoint;
mod secrecy;
