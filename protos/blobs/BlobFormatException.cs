namespace Orchestrator.Protos.Blobs;

/// <summary>A file is not the blob it claims to be: which file, which tensor, which rule.</summary>
public sealed class BlobFormatException : IOException
{
    public BlobFormatException(string file, string? tensor, string rule, Exception? inner = null)
        : base(tensor is null ? $"Blob '{file}': {rule}." : $"Blob '{file}', tensor '{tensor}': {rule}.", inner)
    {
        File = file;
        Tensor = tensor;
        Rule = rule;
    }

    public string File { get; }

    public string? Tensor { get; }

    public string Rule { get; }
}
