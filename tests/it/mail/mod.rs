mod digests;
mod gathered;
mod kept;
mod overdue;
mod rest;
