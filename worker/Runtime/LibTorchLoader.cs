using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Runtime;

/// <summary>Loads libtorch and TorchSharp's native part in the one order that works, before anything touches <c>torch</c>.</summary>
/// <remarks>
/// Order: libc10, libtorch_cpu, (the CUDA parts,) libtorch by absolute path, then libLibTorchSharp.so, which later loads by bare
/// name find by its SONAME. libLibTorchSharp.so asks for GLIBCXX_3.4.32 for one symbol that nothing calls; where the system's
/// libstdc++ lacks it, a private copy with that need marked weak is loaded instead. <see cref="NumericEnvironment"/> must be
/// configured first: the libraries read the environment while they load. Once a process; any thread; later calls return the first result.
/// </remarks>
internal static partial class LibTorchLoader
{
    /// <summary>TorchSharp is built against one minor version; another one has another binary interface.</summary>
    public const string RequiredVersion = "2.10";

    private const string Wrapper = "libLibTorchSharp.so";
    private static readonly Lock Gate = new();
    private static LibTorchInstallation? _loaded;

    /// <summary>What is loaded; null before the first <see cref="Load"/>.</summary>
    public static LibTorchInstallation? Loaded => Volatile.Read(ref _loaded);

    /// <summary>Loads libtorch from <paramref name="directory"/>, or else from the package beside the program.</summary>
    /// <exception cref="WorkerFaultException">No libtorch, one of another version, or one that this system cannot load: the message says what to do.</exception>
    public static LibTorchInstallation Load(string? directory = null, ILogger? logger = null)
    {
        lock (Gate)
        {
            if (_loaded is { } earlier)
                return earlier;
            var folder = FindLibTorch(directory);
            LoadLibrary(folder, "libc10.so");
            var cuda = File.Exists(Path.Combine(folder, "libtorch_cuda.so"));
            var core = LoadLibrary(folder, "libtorch_cpu.so");
            var version = ReadVersion(core, folder);
            if (cuda)
            {
                LoadLibrary(folder, "libc10_cuda.so");
                LoadLibrary(folder, "libtorch_cuda.so");
            }

            LoadLibrary(folder, "libtorch.so");
            var weakened = LoadWrapper();
            var installation = new LibTorchInstallation(folder, version, cuda, weakened);
            Volatile.Write(ref _loaded, installation);
            if (logger is not null)
                LogLoaded(logger, version, folder, weakened ? ", GLIBCXX_3.4.32 marked weak in a private copy of " + Wrapper : "");
            return installation;
        }
    }

    /// <summary>The address of a function of libtorch or of what it depends on, e.g. OpenMP; 0: there is none of that name. After <see cref="Load"/>.</summary>
    public static nint Export(string name)
    {
        var core = NativeLibrary.Load(Path.Combine(Loaded!.Directory, "libtorch_cpu.so"));
        return NativeLibrary.TryGetExport(core, name, out var export) ? export : 0;
    }

    /// <summary>The folder that <see cref="Load"/> would take: the explicit one (or its lib folder), else the package's beside the program.</summary>
    /// <exception cref="WorkerFaultException">There is none; the message names the folders that were searched.</exception>
    public static string FindLibTorch(string? directory)
    {
        string[] candidates = directory is not null
            ? [directory, Path.Combine(directory, "lib"), Path.Combine(directory, "torch", "lib")]
            : PackageFolders();
        foreach (var candidate in candidates)
        {
            if (File.Exists(Path.Combine(candidate, "libtorch_cpu.so")))
                return Path.GetFullPath(candidate);
        }

        throw new WorkerFaultException(
            ErrorCode.Internal,
            directory is not null
                ? $"There is no libtorch_cpu.so in '{directory}' nor in its lib folder: give --libtorch the lib folder of a libtorch {RequiredVersion} or PyTorch {RequiredVersion} installation."
                : $"No libtorch lies beside the program (searched {string.Join(", ", candidates)}): build with TorchBackend=cpu or cuda, or give --libtorch the lib folder of a PyTorch {RequiredVersion} installation.");
    }

    private static string[] PackageFolders() =>
        [Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory];

    private static nint LoadLibrary(string folder, string name)
    {
        var file = Path.Combine(folder, name);
        if (!File.Exists(file))
            throw new WorkerFaultException(ErrorCode.Internal, $"The libtorch in '{folder}' is incomplete, it has no {name}: give --libtorch another folder, or leave it out to take the one beside the program.");
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw DoesNotLoad(file, e);
        }
    }

    // .NET says first what may help in general; the last line is the system's own: what is wrong with this file.
    private static WorkerFaultException DoesNotLoad(string file, Exception e) =>
        new(ErrorCode.Internal, $"'{file}' does not load on this system: {e.Message.TrimEnd().Split('\n')[^1].Trim()}", e);

    // aoti_torch_abi_version: major, minor and patch in the three highest bytes (torch/headeronly/version.h, TORCH_ABI_VERSION).
    private static unsafe string ReadVersion(nint core, string folder)
    {
        if (!NativeLibrary.TryGetExport(core, "aoti_torch_abi_version", out var export))
            throw WrongVersion(folder, "an older version");
        var packed = ((delegate* unmanaged[Cdecl]<ulong>)export)();
        var version = $"{packed >> 56}.{(packed >> 48) & 0xff}.{(packed >> 40) & 0xff}";
        if (!version.StartsWith(RequiredVersion + ".", StringComparison.Ordinal))
            throw WrongVersion(folder, version);
        return $"{version}-{ElfBuildId.Read(Path.Combine(folder, "libtorch_cpu.so"))}";
    }

    private static WorkerFaultException WrongVersion(string folder, string found) => new(
        ErrorCode.Internal,
        $"The libtorch in '{folder}' is {found}, this worker needs {RequiredVersion}.x: give --libtorch another folder, or leave it out to take the one beside the program.");

    private static bool LoadWrapper()
    {
        var original = Array.Find(PackageFolders().Select(folder => Path.Combine(folder, Wrapper)).ToArray(), File.Exists)
            ?? throw new WorkerFaultException(ErrorCode.Internal, $"{Wrapper} does not lie beside the program ({AppContext.BaseDirectory}): the worker's files are incomplete, build or install it again.");
        try
        {
            NativeLibrary.Load(original);
            return false;
        }
        catch (DllNotFoundException e) when (e.Message.Contains("GLIBCXX_3.4.32", StringComparison.Ordinal))
        {
            LoadWeakened(original);
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw DoesNotLoad(original, e);
        }
    }

    private static void LoadWeakened(string original)
    {
        var image = File.ReadAllBytes(original);
        if (ElfVersionNeeds.MarkWeak(image, "libstdc++.so.6", "GLIBCXX_3.4.32") == 0)
            throw new WorkerFaultException(ErrorCode.Internal, $"'{original}' needs a newer libstdc++ than this system has: install GCC 13's libstdc++ or newer.");
        // The file keeps its name: later loads by bare name are answered by its SONAME. Once mapped, the file is not needed any more.
        var folder = System.IO.Directory.CreateTempSubdirectory("orchestrator-torch-");
        try
        {
            var copy = Path.Combine(folder.FullName, Wrapper);
            File.WriteAllBytes(copy, image);
            LoadLibrary(folder.FullName, Wrapper);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "libtorch {Version} from {Folder}{Note}")]
    private static partial void LogLoaded(ILogger logger, string version, string folder, string note);
}
