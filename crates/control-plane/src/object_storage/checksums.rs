//! Checksums of objects, made while they arrive.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Table};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

static CRC32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
static CRC64NVME: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A checksum that clients send with objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 as in gzip.
    Crc32,
    /// CRC-32 as in iSCSI.
    Crc32c,
    /// CRC-64 as in NVMe.
    Crc64Nvme,
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// `CRC32`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that has it.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The one that a header has.
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.header().eq_ignore_ascii_case(name))
    }
}

enum Running {
    Crc32(crc::Digest<'static, u32, Table<16>>),
    Crc64(crc::Digest<'static, u64, Table<16>>),
    Sha1(Sha1),
    Sha256(Sha256),
}

/// What is made while an object arrives.
pub struct Digests {
    md5: Md5,
    sha256: Sha256,
    asked: Option<Running>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// MD5.
    pub md5: [u8; 16],
    /// SHA-256 in hex.
    pub sha256: String,
    /// The one that was asked for, in base64.
    pub asked: Option<String>,
}

impl Digests {
    /// With the one that the client sends, if it does.
    pub fn new(asked: Option<Algorithm>) -> Self {
        let running = |it: Algorithm| match it {
            Algorithm::Crc32 => Running::Crc32(CRC32.digest()),
            Algorithm::Crc32c => Running::Crc32(CRC32C.digest()),
            Algorithm::Crc64Nvme => Running::Crc64(CRC64NVME.digest()),
            Algorithm::Sha1 => Running::Sha1(Sha1::new()),
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
        };
        Self {
            md5: Md5::new(),
            sha256: Sha256::new(),
            asked: asked.map(running),
        }
    }

    /// More content.
    pub fn update(&mut self, piece: &[u8]) {
        self.md5.update(piece);
        self.sha256.update(piece);
        match &mut self.asked {
            None => {}
            Some(Running::Crc32(it)) => it.update(piece),
            Some(Running::Crc64(it)) => it.update(piece),
            Some(Running::Sha1(it)) => it.update(piece),
            Some(Running::Sha256(it)) => it.update(piece),
        }
    }

    /// The end of it.
    pub fn finish(self) -> Finished {
        let asked = self.asked.map(|it| match it {
            Running::Crc32(it) => STANDARD.encode(it.finalize().to_be_bytes()),
            Running::Crc64(it) => STANDARD.encode(it.finalize().to_be_bytes()),
            Running::Sha1(it) => STANDARD.encode(it.finalize()),
            Running::Sha256(it) => STANDARD.encode(it.finalize()),
        });
        Finished {
            md5: self.md5.finalize().into(),
            sha256: hex::encode(self.sha256.finalize()),
            asked,
        }
    }
}
