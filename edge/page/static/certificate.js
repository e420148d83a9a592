// A certificate as a page: facts, a card a measure, how to read them.

const MINUS = "\u2212";

function number(seconds) {
  const text = Math.abs(seconds).toFixed(2);
  return `${Number(text) === 0 ? "" : seconds < 0 ? MINUS : "+"}${text}`;
}

function signed(seconds) {
  return `${number(seconds)}\u00a0s`;
}

function node(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function fact(list, term, text, wide) {
  const pair = node("div", undefined, wide ? "wide" : "");
  pair.append(node("dt", term), node("dd", text));
  list.append(pair);
}

function facts(words, made) {
  const list = node("dl", undefined, "facts");
  const { visits } = made;
  fact(list, words.facts.point, `${made.device} · ${made.service_point}`);
  fact(list, words.facts.week, made.weeks.join(", "));
  fact(list, words.facts.sample, String(made.sample_size));
  fact(list, words.facts.found, words.share(visits.found) + words.looks(visits.missed_looks));
  fact(list, words.facts.genuine, words.share(visits.genuine) + words.looks(visits.extra_looks));
  fact(list, words.facts.outcome, words.share(made.same_outcome));
  fact(list, words.facts.clock, signed(made.clock_offset_s));
  fact(list, words.facts.version, `${made.software_version} · ${made.model} · ${made.definition_version}`);
  fact(list, words.facts.geometry, made.geometry_hash, true);
  return list;
}

function measure(words, name, found) {
  const card = node("section", undefined, "measure");
  card.append(node("h3", words.measures[name]));
  if (found.withheld) {
    card.append(node("p", words.withheld(found.withheld.match(/\d+/)[0]), "quiet"));
    return card;
  }
  const bias = node("p", signed(found.bias_s), "bias");
  const rows = node("dl");
  const line = (term, text) => rows.append(node("dt", term), node("dd", text));
  line(words.rows.ci, words.range(number(found.bias_low_s), signed(found.bias_high_s)));
  line(words.rows.sd, `${found.sd_s.toFixed(2)}\u00a0s`);
  line(words.rows.p90, `${found.abs_p90_s.toFixed(2)}\u00a0s`);
  line(words.rows.limits, words.range(number(found.limits_low_s), signed(found.limits_high_s)));
  line(words.rows.pairs, String(found.pairs));
  card.append(node("p", words.rows.bias, "quiet"), bias, rows);
  return card;
}

/** Show a certificate in `place`. */
export function showCertificate(place, words, made) {
  const cards = node("div", undefined, "measures");
  for (const [name, found] of Object.entries(made.measures)) cards.append(measure(words, name, found));
  const notes = node("ul", undefined, "notes");
  for (const note of words.notes) notes.append(node("li", note));
  place.replaceChildren(facts(words, made), cards, notes);
}
