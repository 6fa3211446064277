// Makes stringify.json: texts, and what JSON.stringify(JSON.parse(text)) is for
// each of them in V8, or null where JSON.parse refuses it. Nothing is random, so
// that every run writes the same bytes.
//
//   node internal/stripejs/testdata/stringify.mjs

import { writeFileSync } from 'node:fs';

const texts = [];
const add = (...more) => texts.push(...more);

// ---- numbers: as JavaScript writes doubles

const numbers = [
  '0', '-0', '0.0', '-0.0', '0e0', '-0e5', '1', '-1', '1.0', '1.50', '10e-1', '1E2', '1e+2', '1e-2',
  '9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '12345678901234567890',
  '123456789012345680000', '999999999999999900000', '999999999999999999999', '1e20', '1e21', '1e22', '-1e21', '100000000000000000000000',
  '1e-5', '1e-6', '1e-7', '0.000001', '0.0000009999999', '0.00000012345', '123e-20', '-1e-7', '1.5e-10', '1.5e300', '1e100', '1e-100',
  '5e-324', '4.9e-324', '2.5e-324', '2.4e-324', '1e-400', '-1e-400', '2.2250738585072014e-308', '2.225073858507201e-308',
  '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1e309', '-1e309', '1e999999999999', '-1e999999999999', '1e-999999999999',
  '0.1', '0.30000000000000004', '0.1234567890123456789', '4.35', '1.005', '2.675', '1e23', '9.5e-7', '0.5', '123456.789', '4503599627370496.5',
  '144115188075855870', '144115188075855872', '8.41e21', '2.0919495182368195e19', '2.109808898695963e16', '5.764607523034235e39', '9.409340012568248e18',
  '1' + '0'.repeat(400), '0.' + '0'.repeat(400) + '1', '1.' + '0'.repeat(1000) + '1', '9'.repeat(309), '1' + '0'.repeat(308), '17976931348623157' + '0'.repeat(292),
];
for (let i = 0; i < 64; i += 3) numbers.push(String(2n ** BigInt(i)), String(2n ** BigInt(i) + 1n));
let seed = 1n; // a linear congruential generator, for doubles of any bits
for (let i = 0; i < 400; i++) {
  seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  const double = new Float64Array(new BigUint64Array([seed ^ (seed >> 29n)]).buffer)[0];
  if (Number.isFinite(double)) numbers.push(double.toExponential(20), double.toPrecision(17));
}
add(...numbers, `[${numbers.join(', ')}]`);

// ---- strings

const strings = [
  '""', '"a"', '" "', '"<script>&amp;\'</script>"', '"\\/\\"\\\\"', '"/"', '"\\b\\f\\n\\r\\t"', '"\\u0008\\u000c\\u000A\\u000d\\u0009"', '"\\u007f\\u0080\\u00ff"',
  '"\u007f\u0080\u00ff"', '"\\u2028\\u2029\\ufeff\\ufffd\\uffff"', '"\u2028\u2029\ufeff\ufffd\uffff"', '"\\u003c\\u003E\\u0026\\u0027"', '"é\\u00e9e\u0301"',
  '"😀\\ud83d\\ude00\\uD83D\\uDE00"', '"\\ud83d"', '"\\uDE00"', '"\\ude00\\ud83d"', '"\\ud83d\\ud83d\\ude00"', '"\\ud83d\\ude00\\ude00"', '"\\ud83dx\\ude00"', '"\\ud83d\\n\\ude00"',
  '"\\ud83d\\u0041"', '"\\ud83d😀"', '"😀\\ude00"', '"\\ud800\\udbff\\udc00\\udfff"', '"\\ud7ff\\ue000"', '"\ud7ff\ue000"', '"\\udbff\\udfff\\ud800\\udc00"', '"\u{10ffff}\u{10000}"',
  '"\\ud83d\\\\ude00"', '"\\ud83d\\"\\ude00"', '"\\uD8"', '"\\ud83d\\ude0"', '"\\x41"', "'a'", '"a', '"\n"', '"\t"', '"\u0000"', '"\u001f"', '"\\u000G"', '"\\U0041"', '"\\v"',
];
for (let c = 0; c < 0x20; c++) strings.push(`"\\u00${c.toString(16).padStart(2, '0')}"`);
add(...strings, ...strings.map((s) => `{${s}:${s}}`));

// ---- objects: the order of their members

const keys = ['0', '1', '00', '01', '-1', '-0', '+1', '1.5', '1e3', ' 1', '1 ', '10', '9', '4294967293', '4294967294', '4294967295', '4294967296', '9007199254740991', '99999999999', '', 'a', '１', '٣'];
add(`{${keys.map((key, i) => `${JSON.stringify(key)}:${i}`).join()}}`, `{${keys.toReversed().map((key, i) => `${JSON.stringify(key)}:${i}`).join()}}`);
add(`{${Array.from({ length: 300 }, (_, i) => `"${(i * 7919) % 1009}":${i}`).join()}}`);
add('{"a":1,"b":2,"a":3}', '{"a":1,"b":2,"c":3,"b":4}', '{"2":1,"1":2,"2":3}', '{"a":1,"\\u0061":2}', '{"\\ud83d":1,"\\ud83d\\ude00":2,"\\ud83d":3}', '{"a":{"x":1},"b":1,"a":{"y":2}}', '{"\\u0031":"b","0":"a"}');
add('{"__proto__":1}', '{"__proto__":{"a":1},"__proto__":null}', '{"constructor":1,"toString":2,"length":3,"hasOwnProperty":4}', '{"toJSON":1}', '{"a":{"toJSON":"x"}}');
add('[{"b":1,"1":[{"z":1,"0":2}]}]', '{"user_id":"u","1":2,"account_id":"a"}');

// ---- form

add('null', 'true', 'false', '[]', '{}', '[[],{},[{}]]', ' \t\r\n{ "a" : [ 1 , 2 ] , "b" : { } } \n', '[1,2 ]', '\n1\n', ' "a" ', '{\n  "a": 1\n}\n');
add('', ' ', 'nul', 'NULL', 'True', 'undefined', 'NaN', 'Infinity', '-Infinity', '-', '+1', '.5', '1.', '01', '-01', '1e', '1e+', '0x10', '1_000', '1n');
add('[1,]', '[,1]', '[1 2]', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', '{1:1}', '{"a":1 "b":2}', '[', ']', '{', '}', '[}', '1 2', '{}{}', '\ufeff{}', '{}\ufeff', '\u00a01', '\u20281', '\v1', '\f1', '1;', '// a\n1', '/* */1', '"a" "b"', '[1]]');
add('['.repeat(200) + ']'.repeat(200), '{"a":'.repeat(200) + '1' + '}'.repeat(200));

const expected = texts.map((text) => {
  try {
    return { text, stringified: JSON.stringify(JSON.parse(text)) };
  } catch {
    return { text, stringified: null };
  }
});
// A lone surrogate would not survive the file.
for (const { text } of expected) if (!text.isWellFormed()) throw new Error(`not well-formed: ${JSON.stringify(text)}`);
writeFileSync(new URL('stringify.json', import.meta.url), `${JSON.stringify(expected, null, 1)}\n`);
console.log(`stringify.json: ${expected.length} texts, ${expected.filter(({ stringified }) => stringified === null).length} of them not JSON`);
