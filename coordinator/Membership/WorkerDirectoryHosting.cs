using Akka.Hosting;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Adds the directory to the node.</summary>
internal static class WorkerDirectoryHosting
{
    public static AkkaConfigurationBuilder WithWorkerDirectory(this AkkaConfigurationBuilder builder, MembershipOptions options, TimeProvider time) =>
        builder.WithActors((system, registry) => registry.Register<WorkerDirectory>(system.ActorOf(WorkerDirectory.Props(options, time), "workers")));
}
