using System.Diagnostics;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A tmpfs of a given size, mounted on a folder for as long as a test runs; mounting takes the capability CAP_SYS_ADMIN.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    public SmallDisk(string folder, string size)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        var (code, message) = Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder);
        if (code != 0)
        {
            Assert.Fail(Missing(message));
        }
    }

    public void Dispose()
    {
        var (code, message) = Run("umount", _folder);
        Assert.True(code == 0, $"{_folder} cannot be unmounted: {message}");
    }

    private static string Missing(string message)
    {
        string capabilities = File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapEff:", StringComparison.Ordinal))["CapEff:".Length..].Trim();
        bool mayMount = (Convert.ToUInt64(capabilities, 16) & (1UL << 21)) != 0;
        string why = mayMount
            ? "The process has CAP_SYS_ADMIN, so something else forbids it: a seccomp or AppArmor profile, or mount is not installed."
            : $"The process lacks the capability CAP_SYS_ADMIN (CapEff {capabilities}): run the tests as root, in a container with --cap-add SYS_ADMIN.";
        return $"The test needs a small disk of its own, and no tmpfs can be mounted here ({message}). {why} Nothing is wrong with the program.";
    }

    private static (int Code, string Message) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            string message = process.StandardError.ReadToEnd().Trim();
            process.WaitForExit();
            return (process.ExitCode, message);
        }
        catch (System.ComponentModel.Win32Exception absent)
        {
            return (-1, absent.Message);
        }
    }
}
