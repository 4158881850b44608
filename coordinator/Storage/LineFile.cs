using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Orchestrator.Coordinator.Storage;

/// <summary>A file of lines to which its folder's owner appends: whole ones, or nothing where that fails. A process that ends may leave a broken last one.</summary>
/// <remarks>
/// Whoever takes the folder over publishes the file anew and goes on with that one: what an earlier owner still appends goes to its own, which has no name any more.
/// One thread appends; any may sync. Errors are those of <see cref="FolderOwnership"/>.
/// </remarks>
internal sealed class LineFile : IDisposable
{
    private readonly FolderOwnership _owner;
    private readonly string _path;
    private SafeFileHandle? _file;
    private long _length;

    /// <param name="owner">Of the folder it lies in.</param>
    /// <param name="path">Where it lies.</param>
    /// <param name="content">The lines that it begins with, in the place of what lies there; empty: there is nothing yet, and the first lines make it.</param>
    public LineFile(FolderOwnership owner, string path, byte[] content)
    {
        (_owner, _path) = (owner, path);
        if (content.Length > 0 || File.Exists(path))
        {
            Publish(content);
        }
    }

    public void Append(IEnumerable<string> lines)
    {
        var bytes = BytesOf(lines);
        if (bytes.Length == 0)
        {
            return;
        }

        if (_file is null)
        {
            Publish(bytes);
            return;
        }

        try
        {
            RandomAccess.Write(_file, bytes, _length);
            _length += bytes.Length;
        }
        catch (IOException)
        {
            RandomAccess.SetLength(_file, _length);
            throw;
        }
    }

    /// <summary>Makes the lines durable.</summary>
    public void Sync()
    {
        if (_file is { } file)
        {
            RandomAccess.FlushToDisk(file);
        }
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>Lines as they stand in the file.</summary>
    public static byte[] BytesOf(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => $"{line}\n")));

    private void Publish(byte[] content) => (_file, _length) = (_owner.PublishOpenFile(_path, stream => stream.Write(content)), content.Length);
}
