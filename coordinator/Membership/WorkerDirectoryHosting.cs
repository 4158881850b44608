using Akka.Actor;
using Akka.Hosting;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Adds the directory to the node.</summary>
internal static class WorkerDirectoryHosting
{
    /// <param name="builder">The node.</param>
    /// <param name="options">Leases and limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="askForJob">Asks for the status of a job, in an actor's name; the jobs may be added later.</param>
    public static AkkaConfigurationBuilder WithWorkerDirectory(this AkkaConfigurationBuilder builder, MembershipOptions options, TimeProvider time, Action<IReadOnlyActorRegistry, string, IActorRef> askForJob) =>
        builder.WithActors((system, registry) => registry.Register<WorkerDirectory>(
            system.ActorOf(WorkerDirectory.Props(options, time, (job, asker) => askForJob(registry, job, asker)), "workers")));
}
