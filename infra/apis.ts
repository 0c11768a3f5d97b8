import { Service } from "@pulumi/gcp/projects/service";

/** Google APIs that the program's resources live in; left on at destroy, since others in the project may use them. */
export function enableApis(services = ["compute", "secretmanager", "iam", "iap", "dns"]) {
  return services.map(
    (service) =>
      new Service(service, {
        service: `${service}.googleapis.com`,
        disableOnDestroy: false,
      }),
  );
}
