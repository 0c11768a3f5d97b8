import { dirname, join } from "node:path";
import { chdb } from "../parts/chdb";
import { debian } from "../parts/debian";
import { migrator } from "../parts/migrator";
import type { ContainerMachine } from "./containerMachine";

/** What images are built from. */
export const imagesDir = join(__dirname, "images");
export const adapterDir = join(__dirname, "../clickhouse");

/**
 * Builds the images of ClickHouse and of SigNoz' collector anew, with ClickHouse's engine behind its protocols, SigNoz'
 * migrations, and the exporters as they ship. Keeper and SigNoz stand in still.
 */
export async function storeImages(machine: ContainerMachine) {
  const { clickhouse, collector } = machine.settings.images;
  const python = "usr/bin/python3 usr/bin/python3.* usr/lib/python3.*";
  const libraries = "usr/lib/*-linux-gnu/libexpat.so.* usr/lib/*-linux-gnu/libffi.so.*";
  // In one layer, without a copy in a build context: the engine has 540 MB.
  machine.pipe(
    `cd ${await debian()}; tar --create --exclude __pycache__ --transform 's,^chdb,opt/engine/chdb,' ${python} ${libraries} -C ${await chdb()} chdb chdb_core.libs`,
    "docker import - engine >/dev/null",
  );
  const here = join(imagesDir, "store");
  const context = `tar --create -C ${here} . -C ${adapterDir} server.py native.py -C ${dirname(await migrator())} signoz-otel-collector`;
  for (const [target, name] of Object.entries({ clickhouse, collector }))
    machine.pipe(
      context,
      `DOCKER_BUILDKIT=0 docker build --network none --quiet --target ${target} --tag ${name} --build-arg CLICKHOUSE=${clickhouse} --build-arg COLLECTOR=${collector} - >/dev/null`,
    );
}
