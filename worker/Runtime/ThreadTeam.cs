using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>How many threads the calling thread's operations are cut over: the library's, and our own.</summary>
/// <remarks>
/// All of the process's (<see cref="NumericEnvironment.Threads"/>), unless a caller asks for fewer. The number decides bits of the library's products, so whoever asks must do so by a rule that is the same for
/// all workers of a job. Each thread has its own.
/// </remarks>
internal static unsafe class ThreadTeam
{
    private static readonly Lazy<nint> SetOpenMp = new(() => LibTorchLoader.Export("omp_set_num_threads"));
    private static readonly Lazy<nint> SetMkl = new(() => LibTorchLoader.Export("MKL_Set_Num_Threads_Local"));

    [ThreadStatic]
    private static int _asked;

    /// <summary>Threads of an operation that the calling thread begins.</summary>
    public static int Size => _asked == 0 ? NumericEnvironment.Threads : _asked;

    /// <summary>Cuts the calling thread's operations over so many threads until the result is disposed.</summary>
    public static Scope Of(int threads)
    {
        var scope = new Scope(Size);
        Set(threads);
        return scope;
    }

    private static void Set(int threads)
    {
        if (threads == Size)
            return;
        _asked = threads;
        if (SetOpenMp.Value == 0 || SetMkl.Value == 0)
        {
            torch.set_num_threads(threads);
            return;
        }

        // The library gives a new thread its own number at the first question, which must not come afterwards. Its own setter would change what later threads begin with, too.
        _ = torch.get_num_threads();
        ((delegate* unmanaged[Cdecl]<int, void>)SetOpenMp.Value)(threads);
        ((delegate* unmanaged[Cdecl]<int, int>)SetMkl.Value)(threads);
    }

    /// <summary>Gives the calling thread the number back that it had.</summary>
    internal readonly ref struct Scope(int outer)
    {
        public void Dispose() => Set(outer);
    }
}
