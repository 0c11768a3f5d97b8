import { runProgram } from "../../../simulator/program";

void runProgram({ config: { otlpHost: "otlp.example.com", dnsZone: "example-com" } });
