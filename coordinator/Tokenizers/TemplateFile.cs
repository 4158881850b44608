using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads a chat template's file as it is: line ends stay what they are.</summary>
internal static class TemplateFile
{
    private const int MaxBytes = 4 << 20;

    /// <exception cref="InvalidInputException">It is not there, not UTF-8, or too large; the sentence names it.</exception>
    public static string Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
            {
                throw new InvalidInputException($"The chat template '{path}' is larger than {MaxBytes} bytes, which no template is.");
            }

            var bytes = File.ReadAllBytes(path).AsSpan();
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidInputException($"The chat template '{path}' is not valid UTF-8; save it as UTF-8.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The chat template '{path}' cannot be read: {(File.Exists(path) ? exception.Message.TrimEnd('.') : "there is no such file")}.", exception);
        }
    }
}
