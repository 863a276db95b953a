// What both pages share: news of the room, and messages to it. Addresses are relative: the room may lie below a prefix.

export const LETTERS = "abcdefgh";
const LONGEST_WAIT = 8000; // ms

/** Call back with all news of a stream, for ever; `lost` when it is cut off. It comes back by itself. */
export function follow(address, told, lost) {
  let wait = 500;
  const open = () => {
    const stream = new EventSource(address);
    stream.onmessage = (event) => {
      wait = 500;
      told(JSON.parse(event.data));
    };
    stream.onerror = () => {
      lost();
      if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again
      stream.close();
      setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    };
  };
  open();
}

/** Post JSON and give what is answered. A refusal is thrown with its sentence, anything else without. */
export async function post(address, words) {
  const body = JSON.stringify(words);
  const headers = { "Content-Type": "application/json" };
  const reply = await fetch(address, { method: "POST", headers, body, signal: AbortSignal.timeout?.(5000) });
  const answer = await reply.json();
  if (reply.ok) return answer;
  throw Object.assign(new Error(answer.error), { refused: reply.status < 500 });
}

/** "02-1" is the first of notebook 02; the parts of a name. */
export function parts(name) {
  const [, before, number] = /^(.*)-(\d+)$/.exec(name);
  return { before, number };
}

/** What a question is called: "Prediction 1", or of one's own "Question 1". */
export function title(name) {
  const { before, number } = parts(name);
  return `${/^\d\d$/.test(before) ? "Prediction" : "Question"} ${number}`;
}
