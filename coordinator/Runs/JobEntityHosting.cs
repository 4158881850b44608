using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Hosting;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Adds the entities of jobs to the node.</summary>
internal static class JobEntityHosting
{
    /// <summary>Part of the journal's names: never changes.</summary>
    private const int NumShards = 64;

    /// <summary>Adds the shard region, under the key <see cref="JobEntity"/>; the actor of <typeparamref name="TDirectory"/> must be added before.</summary>
    public static AkkaConfigurationBuilder WithJobs<TDirectory>(this AkkaConfigurationBuilder builder, JobFolders folders, TimeProvider clock) =>
        builder.WithShardRegion<JobEntity>(
            "job",
            (_, registry, _) => job => Props.Create(() => new JobEntity(job, registry.Get<TDirectory>(), folders, clock)),
            new JobMessageExtractor(NumShards),
            new ShardOptions { RememberEntities = true, StateStoreMode = StateStoreMode.Persistence, RememberEntitiesStore = RememberEntitiesStore.Eventsourced });

    /// <summary>Asks for the <see cref="Protos.JobStatus"/> of a job, in an actor's name; of what is none of these jobs nothing is asked.</summary>
    public static void AskForJob(IReadOnlyActorRegistry registry, string job, IActorRef asker)
    {
        if (JobIds.IsOne(job))
        {
            registry.Get<JobEntity>().Tell(new GetJob { Job = job }, asker);
        }
    }

    private sealed class JobMessageExtractor(int numShards) : HashCodeMessageExtractor(numShards)
    {
        public override string EntityId(object message) => (message as IJobMessage)?.Job!;
    }
}
