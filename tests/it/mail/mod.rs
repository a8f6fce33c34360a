mod digests;
mod gathered;
mod rest;
