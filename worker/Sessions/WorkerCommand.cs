using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using Orchestrator.Protos.CommandLine;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Sessions;

/// <summary>The command line of a worker.</summary>
/// <remarks>The join token never stands on it: it comes from ORCHESTRATOR_JOIN_TOKEN or from a file.</remarks>
internal sealed class WorkerCommand
{
    private const string TokenVariable = "ORCHESTRATOR_JOIN_TOKEN";
    private const int MaxThreads = 1024;

    private readonly Option<Uri[]> _coordinator = new("--coordinator")
    {
        Description = "A coordinator's address, e.g. http://10.0.0.1:8081; may be given several times.",
        CustomParser = ParseAddresses,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _name = new("--name") { Description = "The worker's name, which survives restarts.", DefaultValueFactory = _ => Environment.MachineName, Validators = { CheckNotEmpty } };
    private readonly Option<string> _device = new("--device") { Description = "cpu or cuda:N.", DefaultValueFactory = _ => "cpu", Validators = { Check(DeviceNames.WhyUnknown) } };
    private readonly Option<int?> _threads = new("--threads") { Description = "Compute threads; by default the processors that this process may use.", Validators = { CheckThreads } };
    private readonly Option<string?> _numericClass = new("--numeric-class") { Description = "An instruction path to be held to, e.g. avx2.", Validators = { Check(InstructionPaths.WhyUnknown) } };
    private readonly Option<string?> _libtorch = new("--libtorch") { Description = "Folder with libtorch's libraries; by default the package beside the program.", Validators = { CheckNotEmpty } };
    private readonly Option<string?> _cache = new("--cache") { Description = "Folder in which fetched data, quantized base weights, and the last states of a worker that is alone in its job, are kept.", Validators = { CheckNotEmpty } };
    private readonly Option<ulong?> _cacheLimit = new("--cache-limit") { Description = "What quantized base weights may take of the cache; by default 100GB.", CustomParser = ParseSize };
    private readonly Option<ulong?> _memory = new("--memory-limit") { Description = "Memory that jobs may plan with, e.g. 80GB.", CustomParser = ParseSize };
    private readonly Option<string?> _tokenFile = new("--join-token-file") { Description = $"File with the join token, instead of {TokenVariable}.", Validators = { CheckNotEmpty } };
    private readonly Option<bool> _owned = new("--owned") { Description = "End when stdin closes, and leave SIGINT to the process that started this one." };
    private readonly Option<string?> _advertise = new("--advertise") { Description = "Address that other workers are told, where the bound one cannot be reached.", Validators = { CheckNotEmpty } };

    private readonly Option<IPEndPoint> _listen = new("--listen")
    {
        Description = "Where other workers reach this one.",
        CustomParser = ParseEndPoint,
        DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 0),
    };

    /// <summary>The options that a worker is started with.</summary>
    public IEnumerable<Option> Options => [_coordinator, _name, _device, _threads, _numericClass, _libtorch, _cache, _cacheLimit, _memory, _listen, _advertise, _tokenFile, _owned];

    /// <summary>Those of them that <c>doctor</c> takes, too.</summary>
    public IEnumerable<Option> ComputeOptions => [_device, _threads, _numericClass, _libtorch];

    /// <summary>What the command line says about compute.</summary>
    public RuntimeOptions ReadRuntime(ParseResult parsed) =>
        new(parsed.GetValue(_device)!, parsed.GetValue(_threads), parsed.GetValue(_libtorch), parsed.GetValue(_numericClass));

    /// <summary>The options' values, or the sentences that say what is wrong with them.</summary>
    public (WorkerOptions? Options, IReadOnlyList<string> Errors) Read(ParseResult parsed)
    {
        var errors = OptionErrors.Of(parsed).ToList();
        if (parsed.GetResult(_coordinator) is null)
            errors.Add("--coordinator is missing: give the address of a coordinator, e.g. --coordinator http://10.0.0.1:8081.");
        var token = ReadToken(parsed.GetValue(_tokenFile), errors);
        if (errors.Count > 0)
            return (null, errors);
        return (new WorkerOptions
        {
            Coordinators = parsed.GetValue(_coordinator)!,
            JoinToken = token,
            Name = parsed.GetValue(_name)!,
            Runtime = ReadRuntime(parsed),
            Listen = parsed.GetValue(_listen)!,
            Advertise = parsed.GetValue(_advertise),
            Cache = parsed.GetValue(_cache),
            CacheLimitBytes = parsed.GetValue(_cacheLimit) ?? BaseWeightCache.DefaultLimitBytes,
            MemoryLimitBytes = parsed.GetValue(_memory) ?? (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Owned = parsed.GetValue(_owned),
        }, []);
    }

    private static string ReadToken(string? file, List<string> errors)
    {
        try
        {
            var token = file is null ? Environment.GetEnvironmentVariable(TokenVariable) : File.ReadAllText(file).Trim();
            if (!string.IsNullOrEmpty(token))
                return token;
            errors.Add(file is null ? $"There is no join token: set {TokenVariable} or give --join-token-file." : $"The join token file '{file}' is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"The join token file '{file}' cannot be read: {e.Message}");
        }

        return "";
    }

    private static void CheckNotEmpty(OptionResult result)
    {
        if (result.Tokens is [{ Value: "" }])
            result.AddError($"{result.Option.Name} is empty: give it a value or leave it out.");
    }

    private static Action<OptionResult> Check(Func<string, string?> whyWrong) => result =>
    {
        if (result.Tokens is [var token] && whyWrong(token.Value) is { } wrong)
            result.AddError(wrong);
    };

    private static void CheckThreads(OptionResult result)
    {
        // What is no number is the parser's own error.
        if (result.Tokens is [var token] && int.TryParse(token.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var threads) && threads is < 1 or > MaxThreads)
            result.AddError($"--threads {threads} is not from 1 to {MaxThreads}.");
    }

    private static Uri[] ParseAddresses(ArgumentResult result)
    {
        var addresses = new List<Uri>();
        foreach (var token in result.Tokens)
        {
            if (Uri.TryCreate(token.Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                addresses.Add(address);
            else
                result.AddError($"--coordinator '{token.Value}' is no address like http://10.0.0.1:8081.");
        }

        return [.. addresses];
    }

    private static IPEndPoint? ParseEndPoint(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (IPEndPoint.TryParse(text, out var endPoint))
            return endPoint;
        result.AddError($"--listen '{text}' is no address and port like 0.0.0.0:8444.");
        return null;
    }

    private static ulong? ParseSize(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var size = MemorySize.Parse(text);
        if (size is null)
            result.AddError($"{((OptionResult)result.Parent!).Option.Name} '{text}' is no size like 80GB or 64GiB.");
        return size;
    }
}
