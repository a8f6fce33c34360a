use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::store::file::reserve_file::{BLOCK_BYTES, BYTES};

use super::*;

#[tokio::test]
async fn the_reserve_takes_its_space_is_released_and_is_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotakey.db-reserve");
    let reserve = Reserve::at(path.clone());
    assert!(!reserve.is_released());
    for _ in 0..2 {
        reserve.maintain().await;
        assert!(!reserve.is_released());
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (BYTES, 0o600));
        assert!(metadata.blocks() * 512 >= BYTES, "it is sparse");
        reserve.release();
        assert!(reserve.is_released() && !path.exists());
        // As if there had been no space on the disk.
        *reserve.0.pause.lock().unwrap() = 0;
    }
    reserve.maintain().await;
    std::fs::remove_file(&path).unwrap();
    reserve.maintain().await;
    assert!(path.exists(), "another process had deleted it");
}

#[tokio::test]
async fn a_full_disk_that_is_reported_twice_delays_ordinary_changes_no_longer_than_one_that_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = Reserve::at(folder.path().join("rotakey.db-reserve"));
    reserve.maintain().await;
    reserve.release();
    for _ in 0..PAUSE {
        // The space is released already, so this releases nothing.
        reserve.release();
        reserve.maintain().await;
        assert!(reserve.is_released());
    }
    reserve.maintain().await;
    assert!(!reserve.is_released());
}

#[tokio::test]
async fn another_file_at_the_path_of_the_reserve_is_neither_overwritten_nor_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let [path, target] = ["rotakey.db-reserve", "precious"].map(|name| folder.path().join(name));
    let whole = vec![7; usize::try_from(BYTES).unwrap()];
    for (mode, contents) in [(0o600, b"precious".as_slice()), (0o644, b"precious"), (0o600, &whole), (0o644, b"")] {
        for link in [false, true] {
            let written = if link { &target } else { &path };
            std::fs::write(written, contents).unwrap();
            std::fs::set_permissions(written, std::fs::Permissions::from_mode(mode)).unwrap();
            if link {
                std::os::unix::fs::symlink(&target, &path).unwrap();
            }
            let reserve = Reserve::at(path.clone());
            reserve.maintain().await;
            assert!(!reserve.is_released());
            reserve.release();
            assert!(std::fs::read(&path).unwrap() == contents, "mode {mode:o}, link: {link}");
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[tokio::test]
async fn an_incomplete_reserve_is_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotakey.db-reserve");
    for bytes in [0, 10, BLOCK_BYTES as u64] {
        Reserve::at(path.clone()).maintain().await;
        OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes).unwrap();
        Reserve::at(path.clone()).maintain().await;
        assert!(matches!(inspect(&path), Ok(Found::Complete)));
    }
}

#[tokio::test]
async fn a_full_database_accepts_only_urgent_changes_until_there_is_space_again() {
    use sea_orm::ConnectionTrait;

    use crate::store::Store;

    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
    let store = Store::connect(&url).await.unwrap();
    let reserve = store.file.as_ref().unwrap().reserve();
    reserve.maintain().await;
    let run = async |sql: &str| store.write.execute_unprepared(sql).await.unwrap();
    run("CREATE TABLE ballast (bytes BLOB); PRAGMA max_page_count = 10").await;
    let transaction = store.begin().await.unwrap();
    let too_much = "INSERT INTO ballast VALUES (zeroblob(100000))";
    let failed = transaction.connection().execute_unprepared(too_much).await.unwrap_err().into();
    drop(transaction);
    assert!(store.release_reserve_if_full(&failed).await && reserve.is_released());
    assert!(!store.release_reserve_if_full(&crate::store::Error::Unreadable("another".into())).await);
    for _ in 0..2 {
        assert!(matches!(store.begin().await, Err(crate::store::Error::Unavailable(_))));
        store.begin_urgent().await.unwrap().commit().await.unwrap();
    }
    // There was space on the disk, as under a quota: what was released is not taken again at once.
    for _ in 0..PAUSE {
        reserve.maintain().await;
        assert!(reserve.is_released());
    }
    reserve.maintain().await;
    store.begin().await.unwrap().commit().await.unwrap();
    store.close().await.unwrap();
}

/// The error of SQLite where the disk is full.
async fn disk_full(folder: &std::path::Path) -> DbErr {
    use sea_orm::ConnectionTrait;

    let url = format!("sqlite://{}?mode=rwc", folder.join("full.db").display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let sql =
        "CREATE TABLE ballast (bytes BLOB); PRAGMA max_page_count = 2; INSERT INTO ballast VALUES (zeroblob(100000))";
    connection.execute_unprepared(sql).await.unwrap_err()
}

#[tokio::test]
async fn releasing_the_reserve_while_it_is_being_written_blocks_no_worker() {
    let folder = tempfile::tempdir().unwrap();
    let err = disk_full(folder.path()).await;
    let reserve = Reserve::at(folder.path().join("rotakey.db-reserve"));
    // Stands for a write of the file to a slow disk. It ends by itself, so that a worker that is blocked goes on.
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let writer = reserve.clone();
    let writing = std::thread::spawn(move || {
        let _pause = writer.0.pause.lock().unwrap();
        locked.send(()).unwrap();
        finished.recv_timeout(std::time::Duration::from_secs(5)).is_ok()
    });
    is_locked.recv().unwrap();
    let mut releasing = std::pin::pin!(reserve.release_if_full(&err));
    assert!(futures_util::poll!(releasing.as_mut()).is_pending(), "the worker waited for the disk");
    finish.send(()).unwrap();
    assert!(releasing.await && reserve.is_released());
    assert!(writing.join().unwrap());
}

#[tokio::test]
async fn a_reserve_whose_contents_a_power_cut_lost_is_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotakey.db-reserve");
    let block = BLOCK_BYTES as u64;
    for (durable, length) in [(0, 1), (0, block), (0, BYTES), (64, BYTES), (block, BYTES), (BYTES - 1, BYTES)] {
        // The whole length was durable, and this much of the contents.
        create_if_missing(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(durable).unwrap();
        file.set_len(length).unwrap();
        let reserve = Reserve::at(path.clone());
        reserve.maintain().await;
        assert_eq!(reserve.0.state.load(Ordering::SeqCst), HELD, "{durable} of {length}");
        assert!(matches!(inspect(&path), Ok(Found::Complete)), "{durable} of {length}");
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 >= BYTES, "it is sparse");
        std::fs::remove_file(&path).unwrap();
    }
}
