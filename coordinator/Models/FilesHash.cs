using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Coordinator.Models;

/// <summary>SHA-256 of some files of a folder, and one over them all.</summary>
/// <param name="Files">Lower-case hex by path relative to the folder, in name order.</param>
/// <param name="Sha256">Lower-case hex over the lines <c>name, two spaces, hash</c>: independent of where the folder lies.</param>
internal sealed record FilesHash(IReadOnlyDictionary<string, string> Files, string Sha256)
{
    /// <summary>Streams each file once.</summary>
    public static async Task<FilesHash> ComputeAsync(string folder, IEnumerable<string> files, CancellationToken cancellationToken)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in files)
        {
            try
            {
                await using var stream = new FileStream(file, new FileStreamOptions
                {
                    Mode = FileMode.Open,
                    Access = FileAccess.Read,
                    Share = FileShare.Read,
                    BufferSize = 1 << 20,
                    Options = FileOptions.SequentialScan,
                });
                hashes[Path.GetRelativePath(folder, file)] = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new InvalidInputException($"{file} cannot be read: {ReadFailure.Reason(error)}.", error);
            }
        }

        string lines = string.Concat(hashes.Select(pair => $"{pair.Key}  {pair.Value}\n"));
        return new FilesHash(hashes, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines))));
    }
}
