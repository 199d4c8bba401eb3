using System.Text.RegularExpressions;
using MimeKit;

namespace PyResolve.Server.Tests.Email;

/// <summary>A test's own pickup folder and its emails.</summary>
internal sealed partial class TestMailbox : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-mail-").FullName;

    public string Folder => _folder;

    /// <summary>The settings of a server that uses it.</summary>
    public Dictionary<string, string?> Settings => new() { ["PyResolve:EmailFolder"] = _folder };

    public IReadOnlyList<MimeMessage> Emails =>
        [.. Directory.GetFiles(_folder, "*.eml").Order(StringComparer.Ordinal).Select(file => MimeMessage.Load(file))];

    /// <summary>The token in the newest email to <paramref name="email"/> whose link leads to <paramref name="page"/>.</summary>
    /// <param name="email">The recipient.</param>
    /// <param name="page"><c>reset-password</c> or <c>verify-email</c>.</param>
    /// <param name="count">Waits until there are as many.</param>
    public async Task<string> TokenAsync(string email, string page, int count = 1)
    {
        await Eventually.IsTrueAsync(() => Links(email, page).Count >= count);
        return Links(email, page)[^1];
    }

    public List<string> Links(string email, string page) =>
    [
        .. from message in Emails
           where message.To.Mailboxes.Single().Address == email
           let link = Link().Match(message.TextBody ?? "")
           where link.Groups["page"].Value == page
           select link.Groups["token"].Value,
    ];

    /// <summary>Waits until no email is queued any more: what has not come by then does not come.</summary>
    public static Task WaitUntilSentAsync(TestStore store) => Eventually.IsTrueAsync(
        async () => await store.ReadNumberAsync("select count(*) from letters") == 0, what: "no queued email");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [GeneratedRegex(@"https?://\S+/(?<page>[a-z-]+)\?token=(?<token>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
