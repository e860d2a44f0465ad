// The AWS SDK for JavaScript v3 as it comes: a cluster, a service, a task, waiters, a paginator, an error by its class.

import assert from "node:assert/strict";
import {
  ClusterNotFoundException,
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  paginateListTaskDefinitions,
  waitUntilServicesInactive,
  waitUntilServicesStable,
  waitUntilTasksRunning,
  waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";

const cluster = "conformance-javascript";
const family = "conformance-javascript";
const image = process.env.GANTRY_CONFORMANCE_IMAGE ?? "gantry-sample:latest";
const ecs = new ECSClient({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_DEFAULT_REGION });
const patience = { client: ecs, minDelay: 1, maxDelay: 1, maxWaitTime: 60 };

const created = await ecs.send(new CreateClusterCommand({ clusterName: cluster, tags: [{ key: "team", value: "blue" }] }));
assert.equal(created.cluster.status, "ACTIVE");

const container = { name: "web", image, memory: 32, command: ["/bin/sleep", "600"], stopTimeout: 2 };
const revisions = [];
for (let number = 0; number < 3; number++) {
  const registered = await ecs.send(
    new RegisterTaskDefinitionCommand({ family, networkMode: "host", containerDefinitions: [container] }),
  );
  assert.ok(registered.taskDefinition.registeredAt instanceof Date);
  revisions.push(registered.taskDefinition.taskDefinitionArn);
}
const listed = [];
for await (const page of paginateListTaskDefinitions({ client: ecs, pageSize: 2 }, { familyPrefix: family })) {
  listed.push(...page.taskDefinitionArns);
}
assert.deepEqual(listed.slice(-3), revisions);

const service = { cluster, service: "web" };
await ecs.send(new CreateServiceCommand({ cluster, serviceName: "web", taskDefinition: family, desiredCount: 0 }));
await waitUntilServicesStable(patience, { cluster, services: ["web"] });
await ecs.send(new DeleteServiceCommand(service));
await waitUntilServicesInactive(patience, { cluster, services: ["web"] });

const ran = await ecs.send(new RunTaskCommand({ taskDefinition: family, startedBy: "javascript" }));
assert.deepEqual(ran.failures, []);
const tasks = ran.tasks.map((task) => task.taskArn);
await waitUntilTasksRunning(patience, { tasks });
const running = await ecs.send(new ListTasksCommand({ startedBy: "javascript" }));
assert.deepEqual(running.taskArns, tasks);
await ecs.send(new StopTaskCommand({ task: tasks[0], reason: "done" }));
await waitUntilTasksStopped(patience, { tasks });
const described = await ecs.send(new DescribeTasksCommand({ tasks }));
assert.equal(described.tasks[0].stopCode, "UserInitiated");
assert.ok(described.tasks[0].stoppedAt instanceof Date);

await assert.rejects(ecs.send(new ListTasksCommand({ cluster: "nowhere" })), (error) => {
  assert.ok(error instanceof ClusterNotFoundException);
  assert.equal(error.message, "Cluster not found.");
  assert.equal(error.$metadata.httpStatusCode, 400);
  return true;
});
console.log("1 flow of the AWS SDK for JavaScript, 0 faults");
