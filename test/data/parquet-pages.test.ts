/** The checksums of Parquet's pages: a page in which any bit has changed is told with its column, rows and bytes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetMetadata } from "hyparquet";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { sources } from "../../src/data/sources/index.ts";
import { damagedPage } from "../../src/data/table/parquet-pages.ts";
import { repository } from "../cli/helpers.ts";
import { assertProblem, inFolder, load, problemsOf } from "./helpers.ts";
import { parquetBytes } from "./parquet-file.ts";

const folder = join(repository, "test/fixtures/parquet");
const parquet = sources.find(({ name }) => name === "parquet")!;
const options = { path: "a.parquet", target: "kind", features: ["x", "list"] };

/** Memory of its own: small files share theirs with others. */
const alone = (file: Buffer): ArrayBuffer => new Uint8Array(file).buffer;

for (const version of ["1.0", "2.0"]) {
  const content = readFileSync(join(folder, `pages-${version}.parquet`));
  const file = alone(content);
  const metadata = parquetMetadata(file);
  const chunks = metadata.row_groups.flatMap(({ columns }, group) =>
    columns.map(({ meta_data }) => ({ group, meta: meta_data! })),
  );

  test(`pages ${version}: a sound file is read`, async () => {
    assert.is(damagedPage(file, metadata), undefined);
    const { train } = await inFolder({ "a.parquet": content }, (at) => load(parquet, options, at));
    assert.is(train.count, 200);
    assert.equal([...train.inputs.get("x")!.values.slice(-3)], [199 / 8, 199, 199 / 2]);
  });

  test(`pages ${version}: a changed byte of a column is found, wherever it is`, () => {
    let [pages, headers] = [0, 0];
    for (const { group, meta } of chunks) {
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      for (let at = start; at < start + Number(meta.total_compressed_size); at++) {
        const bad = file.slice(0);
        new Uint8Array(bad)[at]! ^= 1 << (at % 8);
        const found = attempt(() => damagedPage(bad, metadata));
        // In a header it may be in what nobody needs, such as the sizes of what is within a page.
        if (found === undefined || found === "no header" || at < found.at) {
          headers++;
          continue;
        }
        pages++;
        assert.is(found.column, meta.path_in_schema[0]);
        assert.equal(found.rows, group === 0 ? [1, 120] : [121, 200]);
        assert.ok(at < found.at + found.length, `byte ${at}`);
      }
    }
    assert.ok(pages > headers, `${pages} bytes of pages, ${headers} of headers`);
  });

  test(`pages ${version}: the message names file, column, rows and bytes`, async () => {
    const { meta } = chunks.at(-1)!;
    const bad = Buffer.from(content);
    bad[Number(meta.data_page_offset) + Number(meta.total_compressed_size) - 1]! ^= 4;
    const problems = await problemsOf(() =>
      inFolder({ "a.parquet": bad }, (at) => load(parquet, options, at)),
    );
    const says = ['a.parquet is damaged in column "list"', "CRC-32", "rows 121 to 200", "copy"];
    assertProblem(problems, { at: "path", says });
  });
}

test("pages without checksums are taken as they are", () => {
  const file = alone(parquetBytes);
  assert.is(damagedPage(file, parquetMetadata(file)), undefined);
});

/** What should be a header may be none any more. */
function attempt<T>(find: () => T): T | "no header" {
  try {
    return find();
  } catch (error) {
    assert.instance(error, Error);
    return "no header";
  }
}

test.run();
