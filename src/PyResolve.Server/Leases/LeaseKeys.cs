using System.Security.Cryptography;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Leases;

/// <summary>
/// The keys of leases. The first one signs, all are published, so that it can be replaced while leases of the old one are valid.
/// </summary>
internal sealed class LeaseKeys
{
    public const string Setting = "PYRESOLVE_LEASE_KEY";
    public const string FileName = "lease-key.pem";
    private const string HowToCreate =
        "Create one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
        + "(PEM, or base64 of its DER form; separate several by commas or line breaks).";

    private readonly Lazy<IReadOnlyList<LeaseKey>> _keys;

    // PublicationOnly: a failure, such as a full disk, is tried again at the next use.
    private LeaseKeys(Func<IReadOnlyList<LeaseKey>> read) =>
        _keys = new Lazy<IReadOnlyList<LeaseKey>>(read, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The key that signs; null where this server gives no leases.</summary>
    public LeaseKey? Signing => _keys.Value is [var first, ..] ? first : null;

    public LeaseKeySet Published => new([.. _keys.Value.Select(key => key.Public)]);

    public static LeaseKeys Read(IConfiguration configuration, ServerOptions options)
    {
        if (ServerOptions.Text(configuration, Setting) is { } text)
            return Of(Parse(Setting, text));
        if (options.DatabaseUrl is not null)
            return Of([]);
        var file = Path.Combine(options.DataFolder, FileName);
        if (!File.Exists(file))
            return new LeaseKeys(() => CreateFile(file));
        var keys = ReadFile(file);
        return new LeaseKeys(() =>
        {
            SecretFile.FlushFolders(file);
            return keys;
        });
    }

    /// <summary>Splits a text into keys, each in base64 of its DER form, also where the text has PEM.</summary>
    /// <inheritdoc cref="Parse" path="/exception"/>
    public static IReadOnlyList<string> Split(string source, string text) => [.. Parse(source, text).Select(static key => key.Export())];

    private static LeaseKeys Of(IReadOnlyList<LeaseKey> keys) => new(() => keys);

    private static IReadOnlyList<LeaseKey> ReadFile(string file) => Parse(file, File.ReadAllText(file));

    /// <exception cref="InvalidConfigurationException">It has something else than keys, or none.</exception>
    private static IReadOnlyList<LeaseKey> Parse(string source, string text)
    {
        try
        {
            return LeaseKeyText.Read(text);
        }
        catch (FormatException exception)
        {
            throw new InvalidConfigurationException($"{source} cannot be used: {exception.Message}. {HowToCreate}");
        }
    }

    private static IReadOnlyList<LeaseKey> CreateFile(string file) => Parse(file, SecretFile.Create(file, static () =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return LeaseKeyText.Write(key);
    }));
}
