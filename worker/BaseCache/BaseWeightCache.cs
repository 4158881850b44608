using Orchestrator.Protos.Blobs;

namespace Orchestrator.Worker.BaseCache;

/// <summary>Quantized weights of base models in a folder that outlives the process: a later life loads them instead of quantizing again.</summary>
/// <remarks>
/// A blob a weight, named by its <see cref="BaseKey"/>; its time of last change is that of its last use. Several workers may share the folder: a name always holds one whole
/// blob, and whoever finds one gone reads the model's file. Blobs together take at most the limit, but for one that each other writer is about to add. Any thread.
/// </remarks>
internal sealed class BaseWeightCache
{
    /// <summary>As much as the 4-bit weights of two models of 80 billion parameters.</summary>
    public const ulong DefaultLimitBytes = 100_000_000_000;

    /// <summary>The cache takes no disk's last bytes: checkpoints need them more.</summary>
    public const long DefaultLeastFreeBytes = 1L << 30;

    private const string FolderName = "base";
    private static readonly TimeSpan TemporaryAge = TimeSpan.FromDays(1);

    private readonly string _folder;
    private readonly ulong _limitBytes;
    private readonly long _leastFreeBytes;

    /// <param name="cache">The worker's cache folder.</param>
    /// <param name="limitBytes">What the blobs may take together.</param>
    /// <param name="leastFreeBytes">What stays free of the disk.</param>
    public BaseWeightCache(string cache, ulong limitBytes = DefaultLimitBytes, long leastFreeBytes = DefaultLeastFreeBytes)
    {
        _folder = Path.Combine(cache, FolderName);
        (_limitBytes, _leastFreeBytes) = (limitBytes, leastFreeBytes);
        DeleteLeftovers();
    }

    /// <summary>Where a weight lies if it is here.</summary>
    public string PathOf(BaseKey key) => Path.Combine(_folder, NameOf(key));

    /// <summary>A load of a stage by way of this cache.</summary>
    /// <param name="origin">Loads of the same origin begin together: none of them waits for another's blobs, or counts on them.</param>
    public BaseLoad Begin(string origin) => new(this, origin);

    /// <summary>Opens a weight's blob and checks it; null: there is none, or it was damaged and is gone now.</summary>
    public BlobReader? Open(BaseKey key)
    {
        var path = PathOf(key);
        if (!File.Exists(path))
            return null;
        BlobReader? blob = null;
        try
        {
            blob = BlobReader.Open(path);
            BaseBlob.Check(blob, key);
            return blob;
        }
        catch (BlobFormatException)
        {
            blob?.Dispose();
            Discard(key);
            return null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Opens a weight's file as it is, for whoever checks it; null: there is none.</summary>
    public FileStream? OpenToGive(BaseKey key)
    {
        try
        {
            var file = new FileStream(PathOf(key), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, useAsync: true);
            Used(key);
            return file;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes a blob that comes from elsewhere, once it is whole and what its name says.</summary>
    /// <param name="key">The weight.</param>
    /// <param name="receive">Writes the blob; false: it has nothing.</param>
    /// <returns>Whether the blob is here now.</returns>
    /// <exception cref="BlobFormatException">What came is not this weight's blob; nothing is left of it.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public async Task<bool> AddAsync(BaseKey key, Func<Stream, Task<bool>> receive)
    {
        Directory.CreateDirectory(_folder);
        var temporary = Path.Combine(_folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                if (!await receive(file))
                    return false;
            }

            using (var blob = BlobReader.Open(temporary))
                BaseBlob.Check(blob, key);
            File.Move(temporary, PathOf(key), overwrite: true);
            return true;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Notes that a blob was used now.</summary>
    public void Used(BaseKey key) => Try(() => File.SetLastWriteTimeUtc(PathOf(key), DateTime.UtcNow));

    /// <summary>Deletes a blob that is not what it should be.</summary>
    public void Discard(BaseKey key) => Try(() => File.Delete(PathOf(key)));

    /// <summary>Makes room for a blob by deleting those that were used the longest ago.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="usedSince">What was used at this moment or later stays.</param>
    /// <returns>Whether there is room.</returns>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public bool MakeRoom(ulong bytes, DateTime usedSince)
    {
        var folder = Directory.CreateDirectory(_folder);
        var blobs = folder.EnumerateFiles("*.blob").Where(file => file.Exists).OrderBy(file => file.LastWriteTimeUtc).ToList();
        var total = blobs.Aggregate(bytes, (sum, file) => sum + (ulong)file.Length);
        foreach (var file in blobs.TakeWhile(file => file.LastWriteTimeUtc < usedSince))
        {
            if (total <= _limitBytes)
                break;
            // It forgets its length when it is deleted.
            total -= (ulong)file.Length;
            Try(file.Delete);
        }

        return total <= _limitBytes && new DriveInfo(_folder).AvailableFreeSpace - (long)bytes >= _leastFreeBytes;
    }

    /// <summary>Writes a blob under its name.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Write(BaseKey key, string origin, Quantization.QuantizedMatrix matrix) => BaseBlob.Write(_folder, NameOf(key), key, origin, matrix);

    private static string NameOf(BaseKey key) => $"{key.Hex}.blob";

    // What a killed process was writing.
    private void DeleteLeftovers()
    {
        if (!Directory.Exists(_folder))
            return;
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles(".*.tmp").Where(file => file.LastWriteTimeUtc < DateTime.UtcNow - TemporaryAge))
            Try(file.Delete);
    }

    private static void Try(Action change)
    {
        try
        {
            change();
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            // Another worker's, or deleted by it meanwhile: it hinders nobody.
        }
    }
}
