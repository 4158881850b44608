using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Akka.Remote.Hosting;
using Microsoft.Data.Sqlite;

namespace Orchestrator.Coordinator.Clustering;

/// <summary>Makes this process a cluster of one node: remoting, membership, sharding and the journal.</summary>
/// <remarks>
/// A node that is alone joins itself at once and need not wait for others, so the timers that pace a cluster's agreement are short
/// here: the first entity answers within a second or two of the start.
/// </remarks>
internal static class OrchestratorCluster
{
    public const string SystemName = "orchestrator";

    private const string TimersOfOneNode = """
        akka.cluster {
          gossip-interval = 50ms
          leader-actions-interval = 50ms
          periodic-tasks-initial-delay = 20ms
          sharding {
            retry-interval = 250ms
            coordinator-failure-backoff = 1s
            entity-restart-backoff = 1s
          }
          singleton.hand-over-retry-interval = 250ms
          singleton-proxy.singleton-identification-interval = 200ms
        }
        """;

    // Takes the place of Akka.Remote's serializer of protobuf messages, which would write the names of CLR types.
    private const string ClosedSerialization = """
        akka.actor {
          serializers.orchestrator = "Orchestrator.Coordinator.Clustering.ManifestSerializer, orchestrator"
          serialization-bindings { "Google.Protobuf.IMessage, Google.Protobuf" = orchestrator }
        }
        """;

    /// <summary>Adds the actor system; <paramref name="configure"/> adds the node's own actors, in order of need.</summary>
    public static IServiceCollection AddOrchestratorCluster(
        this IServiceCollection services, ClusterSettings settings, Action<AkkaConfigurationBuilder, IServiceProvider>? configure = null)
    {
        PrepareJournal(settings.JournalPath);
        return services.AddAkka(SystemName, (builder, provider) =>
        {
            builder
                .WithRemoting(settings.Hostname, settings.Port)
                .WithClustering()
                .AddHocon(Journal(settings.JournalPath), HoconAddMode.Prepend)
                .AddHocon(TimersOfOneNode, HoconAddMode.Prepend)
                .AddHocon("akka.coordinated-shutdown.run-by-clr-shutdown-hook = off", HoconAddMode.Prepend)
                .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append)
                .WithStrictSerialization(true)
                .AddHocon(ClosedSerialization, HoconAddMode.Prepend)
                .AddStartup((system, _) =>
                {
                    var cluster = Akka.Cluster.Cluster.Get(system);
                    cluster.Join(cluster.SelfAddress);
                });
            configure?.Invoke(builder, provider);
        });
    }

    // A write-ahead log costs one flush a commit where the default costs three; the mode is a property of the file and stays.
    private static void PrepareJournal(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var connection = new SqliteConnection(ConnectionString(path));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL;";
        command.ExecuteNonQuery();
    }

    private static string ConnectionString(string path) => new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(path) }.ToString();

    private static string Journal(string path)
    {
        var source = $"""
            connection-string = "{ConnectionString(path).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}"
            provider-name = "SQLite.MS"
            """;
        return $$"""
            akka.persistence {
              journal { plugin = "akka.persistence.journal.sql", sql { auto-initialize = on
                {{source}}
              } }
              snapshot-store { plugin = "akka.persistence.snapshot-store.sql", sql { auto-initialize = on
                {{source}}
              } }
              query.journal.sql {
                {{source}}
              }
            }
            """;
    }
}
