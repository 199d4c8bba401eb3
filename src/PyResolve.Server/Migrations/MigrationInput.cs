using System.Formats.Tar;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Cli.Migrations;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

/// <summary>The valid content of <c>POST /migrate</c>: JSON, or a tar archive with the rest in the query.</summary>
internal sealed record MigrationInput(string Library, string Target, string Tier, SortedDictionary<string, byte[]> Files)
    : IBindableFromHttpContext<MigrationInput>, IEndpointParameterMetadataProvider
{
    private const string Tar = "application/x-tar";

    public static async ValueTask<MigrationInput?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        context.Request.ContentType is Tar
            ? await ReadTarAsync(context)
            : Validate(
                await JsonBody.ReadAsync(context, RequestJson.TypeOf<MigrateRequest>(), whenEmpty: null, MigrateLimits.LargestBody),
                static text => Encoding.UTF8.GetBytes(text));

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json", Tar], typeof(MigrateRequest)));

    /// <summary>The digest of all that was sent: the same key with other content is other work.</summary>
    public string Digest(string idempotencyKey)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in (string[])[idempotencyKey, Library, Target, Tier])
            Append(hash, Encoding.UTF8.GetBytes(part));
        foreach (var (path, content) in Files)
        {
            Append(hash, Encoding.UTF8.GetBytes(path));
            Append(hash, content);
        }

        return $"migrate-{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }

    private static void Append(IncrementalHash hash, byte[] part)
    {
        hash.AppendData(BitConverter.GetBytes(part.LongLength));
        hash.AppendData(part);
    }

    private static async Task<MigrationInput> ReadTarAsync(HttpContext http)
    {
        var bytes = await JsonBody.ReadBytesAsync(http.Request, http.RequestAborted, MigrateLimits.LargestBody);
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            await using var tar = new TarReader(new MemoryStream(bytes.ToArray()));
            while (await tar.GetNextEntryAsync(copyData: false, http.RequestAborted) is { } entry)
                await AddAsync(files, entry, http.RequestAborted);
        }
        catch (Exception exception) when (exception is FormatException or InvalidDataException or EndOfStreamException or IOException)
        {
            throw new ProblemException(Problems.Malformed("The body is not a well-formed tar archive."));
        }

        var query = http.Request.Query;
        return Validate(
            new MigrateRequest
            {
                Library = query["library"],
                Target = query["target"],
                Tier = query["tier"],
                Files = files.Keys.ToDictionary(path => path, path => path, StringComparer.Ordinal),
            },
            path => files[path]);
    }

    private static async Task AddAsync(Dictionary<string, byte[]> files, TarEntry entry, CancellationToken cancellationToken)
    {
        var path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        switch (entry.EntryType)
        {
            case TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes:
                return;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile:
                using (var content = new MemoryStream())
                {
                    if (entry.DataStream is { } data)
                        await data.CopyToAsync(content, cancellationToken);
                    if (!files.TryAdd(path, content.ToArray()))
                        throw new ProblemException(Problems.Malformed($"The archive has {PlainText.Of(path)} twice."));
                }

                return;
            default:
                throw new ProblemException(Problems.Invalid(
                    "files", $"has {PlainText.Of(path)}, which is neither a file nor a folder. Leave links and devices out."));
        }
    }

    private static MigrationInput Validate(MigrateRequest request, Func<string, byte[]> read)
    {
        MigrateRules.Check(request);
        var content = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (path, text) in request.Files!)
            content[path] = read(text);
        return new MigrationInput(request.Library!, request.Target!, request.Tier!, content);
    }
}
