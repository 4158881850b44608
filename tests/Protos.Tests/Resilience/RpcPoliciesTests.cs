using System.Globalization;
using Google.Protobuf.Reflection;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Protos.Tests.Resilience;

public sealed class RpcPoliciesTests
{
    [Fact]
    public void Table_AgainstDescriptors_HasOneRowAnRpcAndNoOther()
    {
        string[] methods = [.. Descriptors().SelectMany(file => file.Services).SelectMany(service => service.Methods)
            .Select(method => $"{method.Service.FullName}/{method.Name}").Order(StringComparer.Ordinal)];
        Assert.NotEmpty(methods);
        Assert.Equal(methods, RpcPolicies.All.Select(row => row.Method).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Table_AgainstDescriptors_StreamsAreStreams()
    {
        foreach (MethodDescriptor method in Descriptors().SelectMany(file => file.Services).SelectMany(service => service.Methods))
        {
            RpcPolicy row = RpcPolicies.For($"/{method.Service.FullName}/{method.Name}");
            Assert.Equal(method.IsClientStreaming || method.IsServerStreaming, row.Kind != RpcKind.Unary);
            Assert.True(row.Kind == RpcKind.Download || row.Kind == RpcKind.LongStream == (row.Retries == RpcPolicy.Forever), row.Method);
        }
    }

    [Fact]
    public void Readme_AgainstTable_SaysTheSame()
    {
        string[] expected = [.. RpcPolicies.All.Select(row => string.Create(CultureInfo.InvariantCulture,
            $"| `{row.Method}` | {row.Kind} | {row.Deadline.TotalSeconds} s | {(row.Retries == RpcPolicy.Forever ? "forever" : row.Retries)} | {row.IdempotencyKey} |"))];
        string[] actual = [.. File.ReadLines(Path.Combine(RepositoryRoot(), "protos", "Resilience", "README.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))];
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void For_UnknownMethod_SaysItsName()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => RpcPolicies.For("/orchestrator.v1.Jobs/Forget"));
        Assert.Contains("orchestrator.v1.Jobs/Forget", error.Message, StringComparison.Ordinal);
    }

    // Every file of the assembly: a service in a new file is found without being named here.
    private static IEnumerable<FileDescriptor> Descriptors() =>
        typeof(JobStatus).Assembly.GetTypes()
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal) && type.Namespace == "Orchestrator.Protos")
            .Select(type => type.GetProperty("Descriptor")?.GetValue(null)).OfType<FileDescriptor>();

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Orchestrator.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside the repository.");
    }
}
