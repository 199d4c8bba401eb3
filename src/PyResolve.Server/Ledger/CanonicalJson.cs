using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PyResolve.Server.Ledger;

/// <summary>Digests of JSON. Equal payloads have equal ones: members are sorted, without white space, numbers as sent.</summary>
internal static class CanonicalJson
{
    /// <summary>The largest buffer that is used again, in bytes.</summary>
    private const int MaxReusedBuffer = 64 * 1024;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? _reusable;

    /// <summary>The digest of an object. <paramref name="writeMembers"/> writes its members sorted by name.</summary>
    public static byte[] Digest(Action<Utf8JsonWriter> writeMembers)
    {
        var (buffer, writer) = _reusable ?? Create();
        _reusable = null;
        writer.WriteStartObject();
        writeMembers(writer);
        writer.WriteEndObject();
        writer.Flush();
        var digest = SHA256.HashData(buffer.WrittenSpan);
        if (buffer.Capacity <= MaxReusedBuffer)
        {
            buffer.ResetWrittenCount();
            writer.Reset();
            _reusable = (buffer, writer);
        }

        return digest;
    }

    public static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                // Unescaped first, so that "a" and "\u0061" are equal.
                writer.WriteStringValue(element.GetString());
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer) Create()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        return (buffer, new Utf8JsonWriter(buffer, Options));
    }
}
