using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Doctor;

/// <summary>A request of the doctor's, as the running server saw it.</summary>
/// <param name="Scheme">What people use, by the proxy's word.</param>
/// <param name="Address">Whose limits it counts against.</param>
/// <param name="Proxy">Who said so; null: the address is that of the connection.</param>
/// <param name="Before">The address before it in <c>X-Forwarded-For</c>, which did not count.</param>
internal sealed record SeenRequest(string Scheme, string? Address, string? Proxy, string? Before);

/// <summary>
/// The doctor asks the running server, through the public address, what it sees of that request. Both have the encryption key: the question
/// is sealed with it and good for some minutes, and so is the answer. Nobody else is told anything, nor can read what is carried.
/// </summary>
internal sealed class ProxyProbe(EncryptionKeys keys, TimeProvider time, IOptions<ForwardedHeadersOptions> forwarded)
{
    /// <summary>Of the request and of the answer.</summary>
    public const string Header = "X-PyResolve-Doctor";

    private const string QuestionPurpose = "doctor: question";
    private const string AnswerPurpose = "doctor: answer";
    private const int MaxLength = 512;
    private const int QuestionBytes = sizeof(long) + 16;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>A key that the doctor makes may belong to a user whose files the server cannot read.</summary>
    public bool HasKey => keys.Exist;

    /// <exception cref="InvalidOperationException">There is no encryption key.</exception>
    public (string Sealed, byte[] Question) Ask()
    {
        var question = RandomNumberGenerator.GetBytes(QuestionBytes);
        BinaryPrimitives.WriteInt64BigEndian(question, time.GetUtcNow().ToUnixTimeSeconds());
        return (Base64Url.EncodeToString(keys.Seal(question, QuestionPurpose)), question);
    }

    public void Answer(HttpContext http)
    {
        if (http.Request.Headers[Header] is not [{ Length: < MaxLength } carried] || !HasKey)
            return;
        try
        {
            Answer(http, carried);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidConfigurationException)
        {
            // The key cannot be read. Whoever asks has no part in that, and may be anybody.
        }
    }

    /// <returns>null: it is no answer to that question.</returns>
    public SeenRequest? Read(string answer, byte[] question) => Open(answer, AnswerPurpose) is { } opened
        && Encoding.UTF8.GetString(opened).Split('\n') is [var asked, var scheme, var address, var proxy, var before]
        && asked == Convert.ToHexString(question)
            ? new SeenRequest(scheme, NullIfEmpty(address), AddressIn(proxy), AddressIn(before.Split(',')[^1].Trim()))
            : null;

    private void Answer(HttpContext http, string carried)
    {
        if (Open(carried, QuestionPurpose) is not { Length: QuestionBytes } question || !IsRecent(question))
            return;
        string?[] seen =
        [
            Convert.ToHexString(question), http.Request.Scheme, Plain(http.Connection.RemoteIpAddress),
            http.Request.Headers[forwarded.Value.OriginalForHeaderName].LastOrDefault(),
            // What counted was taken out of it.
            forwarded.Value.ForwardedForHeaderName == ForwardedHeadersDefaults.XForwardedForHeaderName
                ? http.Request.Headers[ForwardedHeadersDefaults.XForwardedForHeaderName].ToString()
                : null,
        ];
        http.Response.Headers[Header] = Base64Url.EncodeToString(
            keys.Seal(Encoding.UTF8.GetBytes(string.Join('\n', seen)), AnswerPurpose));
    }

    private bool IsRecent(byte[] question)
    {
        var age = time.GetUtcNow().ToUnixTimeSeconds() - BinaryPrimitives.ReadInt64BigEndian(question);
        return age >= -Lifetime.TotalSeconds && age <= Lifetime.TotalSeconds;
    }

    private byte[]? Open(string carried, string purpose) =>
        Base64Url.IsValid(carried) ? keys.Unseal(Base64Url.DecodeFromChars(carried), purpose) : null;

    private static string? Plain(IPAddress? address) =>
        (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString();

    /// <summary>It may be noted with its port.</summary>
    private static string? AddressIn(string text) =>
        IPEndPoint.TryParse(text, out var endpoint) ? Plain(endpoint.Address) : NullIfEmpty(text);

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;
}
