using Google.Protobuf;
using Google.Protobuf.Reflection;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Clustering;

public sealed class ClosedManifestTests
{
    /// <summary>Every event and every message to an entity, found by their marks, and the entity's answers.</summary>
    public static IEnumerable<TheoryDataRow<Type>> Messages => typeof(IJobEvent).Assembly.GetTypes()
        .Where(type => type is { IsClass: true, IsAbstract: false } && (type.IsAssignableTo(typeof(IJobEvent)) || type.IsAssignableTo(typeof(IJobMessage))))
        .Append(typeof(JobStatus)).Append(typeof(SubmitJobReply)).Append(typeof(NotJournaled))
        .Select(type => new TheoryDataRow<Type>(type));

    [Theory]
    [MemberData(nameof(Messages))]
    public void Message_UnderItsManifest_ComesBackEqual(Type type)
    {
        var message = (IMessage)Activator.CreateInstance(type)!;
        Fill(message, depth: 3);

        var manifest = ClosedManifest.NameOf(message);

        Assert.Equal(message, ClosedManifest.Parse(manifest, message.ToByteArray()));
        Assert.DoesNotContain("Orchestrator", manifest, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_HoldsNothingThatIsNeitherEventNorMessage() =>
        Assert.Equal(Messages.Select(row => row.Data).ToHashSet(), ClosedManifest.Types.ToHashSet());

    [Fact]
    public void Manifests_AreWhatJournalsHold() =>
        Assert.Equal(
            "job.cancel.1 job.event.cancel-requested.1 job.event.cancelled.1 job.event.checkpoint-written.1 job.event.failed.1 job.event.failure-decided.1 job.event.finish-started.1 job.event.generation-ended.1 job.event.generation-started.1 job.event.ownership-taken.1 "
            + "job.event.placed.1 job.event.prepared.1 job.event.step-committed.1 job.event.step-evaluated.1 job.event.submitted.1 job.event.succeeded.1 job.event.training-started.1 "
            + "job.event.waits.1 job.event.window-opened.1 job.event.worker-bound.1 job.event.worker-given-up.1 job.get.1 job.not-journaled.1 job.status.1 job.submit-reply.1 job.submit.1 job.watch.1",
            string.Join(' ', ClosedManifest.Names.Order(StringComparer.Ordinal)));

    [Fact]
    public void Manifest_ThatIsUnknown_IsAnError()
    {
        var error = Assert.Throws<ArgumentException>(() => ClosedManifest.Parse("job.event.rolled-back.9", []));
        Assert.StartsWith("The manifest 'job.event.rolled-back.9' is unknown", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_OutsideTheTable_IsAnError() =>
        Assert.Throws<ArgumentException>(() => ClosedManifest.NameOf(new StepVote()));

    // Every field gets a value that is not its default, so that a lost field shows.
    private static void Fill(IMessage message, int depth)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder().Where(field => !field.IsMap))
        {
            if (field.FieldType == FieldType.Message && depth == 0)
            {
                continue;
            }

            if (field.IsRepeated)
            {
                ((System.Collections.IList)field.Accessor.GetValue(message)).Add(Value(field, depth));
            }
            else
            {
                field.Accessor.SetValue(message, Value(field, depth));
            }
        }
    }

    private static object Value(FieldDescriptor field, int depth)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                var nested = field.MessageType.Parser.ParseFrom(ByteString.Empty);
                Fill(nested, depth - 1);
                return nested;
            case FieldType.Enum:
                return Enum.ToObject(field.EnumType.ClrType, 1);
            case FieldType.String:
                return field.Name;
            case FieldType.Bytes:
                return ByteString.CopyFromUtf8(field.Name);
            case FieldType.Bool:
                return true;
            case FieldType.Double:
                return 0.1;
            case FieldType.Float:
                return 0.1f;
            case FieldType.UInt32:
                return (uint)field.FieldNumber;
            case FieldType.UInt64:
                return (ulong)field.FieldNumber;
            case FieldType.Int64:
                return (long)field.FieldNumber;
            default:
                return field.FieldNumber;
        }
    }
}
