// imapflow: `work` does what a mail program does all day; `idle` tells what it is told until its input ends; `add`, `flag`
// and `remove` are what another device does meanwhile. The settings are one JSON object as the only argument.
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { ImapFlow } = require("imapflow");

const settings = JSON.parse(process.argv[2]);
const say = (...words) => console.log(words.join(" "));
// Without \Recent, which is IMAP4rev1's alone.
const spelled = (flags) => [...flags].filter((flag) => flag !== "\\Recent").sort().join(" ");
const message = (subject) =>
  Buffer.from(`From: Anna <anna@example.test>\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n\r\nGr\u00fc\u00dfe, ${subject}\r\n`);

// The protocol goes to standard error.
const log = (entry) => entry.msg && (entry.src === "c" || entry.src === "s") && console.error(entry.src, entry.msg);
const client = new ImapFlow({
  host: "localhost",
  port: settings.ports.imaps,
  secure: true,
  tls: { ca: readFileSync(settings.ca) },
  auth: { user: settings.user, pass: settings.password },
  clientInfo: { name: "imapflow", version: "test" },
  qresync: true,
  logger: { debug: log, info: log, trace: log, warn: log, error: (entry) => console.error("error", entry) },
});
client.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

const uids = async (query) => await client.search(query, { uid: true });

async function work() {
  assert.ok(client.usable && client.serverInfo, "ID is answered");
  const inbox = (await client.list()).find((box) => box.path === "INBOX");
  assert.ok(inbox && inbox.specialUse === "\\Inbox");
  const sent = (await client.list()).find((box) => box.specialUse === "\\Sent");
  assert.equal(sent.path, "Sent");
  assert.equal((await client.mailboxCreate("Reisen/F\u00e4hre")).created, true);
  const lister = await client.list({ statusQuery: { messages: true, uidNext: true, unseen: true, highestModseq: true } });
  assert.equal(lister.find((box) => box.path === "Reisen/F\u00e4hre").status.messages, 0);
  for (const number of [1, 2, 3, 4]) {
    const flags = number === 1 ? ["\\Seen", "$Label"] : [];
    const answer = await client.append("INBOX", message(`imapflow ${number}`), flags, new Date(Date.UTC(2026, 0, number)));
    assert.equal(answer.uid, number);
  }
  const opened = await client.mailboxOpen("INBOX");
  assert.equal(opened.exists, 4);
  assert.ok(opened.highestModseq > 0n && opened.uidValidity > 0n && opened.mailboxId);
  const seen = [];
  const query = { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, source: true };
  for await (const item of client.fetch("1:*", { ...query, threadId: true, headers: ["subject"] })) {
    assert.deepEqual(item.source, message(item.envelope.subject));
    assert.equal(item.size, item.source.length);
    assert.ok(item.modseq > 0n && item.bodyStructure.type === "text/plain");
    assert.equal(Boolean(item.emailId && item.threadId), client.capabilities.has("OBJECTID"));
    assert.equal(item.headers.toString().trim(), `Subject: ${item.envelope.subject}`);
    seen.push([item.envelope.subject, item.internalDate.getUTCDate(), spelled(item.flags)]);
  }
  assert.deepEqual(seen[0], ["imapflow 1", 1, "$Label \\Seen"]);
  assert.equal(seen.length, 4);
  assert.deepEqual(await uids({ seen: false, subject: "imapflow" }), [2, 3, 4]);
  assert.deepEqual(await uids({ body: "Gr\u00fc\u00dfe, imapflow 3" }), [3]);
  const before = client.mailbox.highestModseq;
  assert.equal(await client.messageFlagsAdd("2:3", ["\\Flagged"], { uid: true }), true);
  const changed = [];
  for await (const item of client.fetch("1:*", { uid: true, flags: true }, { uid: true, changedSince: before })) {
    changed.push(item.uid);
  }
  assert.deepEqual(changed, [2, 3]);
  const { content } = await client.download("2", "1", { uid: true });
  const chunks = [];
  for await (const chunk of content) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), "Gr\u00fc\u00dfe, imapflow 2\r\n");
  assert.equal((await client.messageCopy("1", "Archive", { uid: true })).uidMap.get(1), 1);
  assert.equal((await client.messageMove("3", "Reisen/F\u00e4hre", { uid: true })).uidMap.get(3), 1);
  assert.equal(await client.messageDelete("4", { uid: true }), true);
  assert.deepEqual(await uids({ all: true }), [1, 2]);
  assert.equal((await client.status("Reisen/F\u00e4hre", { messages: true })).messages, 1);
  const quota = await client.getQuota("INBOX");
  assert.ok(quota === false || quota.path === "INBOX");
  await client.mailboxClose();
  await client.mailboxRename("Reisen/F\u00e4hre", "Reisen/Bahn");
  await client.mailboxDelete("Reisen/Bahn");
  say("extensions", [...client.capabilities.keys()].length, "enabled", [...client.enabled].sort().join(" "));
}

async function idle() {
  await client.mailboxOpen("INBOX");
  client.on("exists", ({ count, prevCount }) => say("exists", prevCount, count));
  client.on("expunge", ({ seq, uid, vanished }) => say("expunge", vanished ? `uid ${uid}` : `number ${seq}`));
  client.on("flags", ({ uid, seq, flags }) => say("flags", uid ?? seq, spelled(flags)));
  const idling = client.idle();
  const ended = new Promise((resolve) => process.stdin.on("end", resolve).resume());
  say("waiting");
  await ended;
  // Any other command ends IDLE.
  await client.noop();
  await idling;
}

const others = {
  add: () => client.append("INBOX", message(settings.subject), []),
  flag: async () => {
    await client.mailboxOpen("INBOX");
    assert.equal(await client.messageFlagsAdd("*", ["\\Flagged"]), true);
  },
  remove: async () => {
    await client.mailboxOpen("INBOX");
    assert.equal(await client.messageDelete("*"), true);
  },
};

async function main() {
  await client.connect();
  await { work, idle, ...others }[settings.task]();
  await client.logout();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
