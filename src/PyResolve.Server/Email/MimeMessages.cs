using MimeKit;
using MimeKit.Utils;
using PyResolve.Server.Access;

namespace PyResolve.Server.Email;

internal static class MimeMessages
{
    /// <exception cref="EmailDeliveryException">The address is not valid.</exception>
    public static MimeMessage ToMime(this EmailMessage message, MailboxAddress from, TimeProvider time)
    {
        // By the rule of sign-up. An address that parses to anything but itself (a list, a comment, a route) is not a single address.
        if (EmailAddresses.Parse(message.To) is not { Key: var address }
            || !MailboxAddress.TryParse(address, out var to) || MailboxAddress.EncodeAddrspec(to.Address) != address)
            throw new EmailDeliveryException("the address is not a valid email address", isPermanent: true);

        var mime = new MimeMessage
        {
            Subject = message.Subject,
            Date = time.GetUtcNow(),
            MessageId = MimeUtils.GenerateMessageId(from.Domain),
            Body = new TextPart("plain") { Text = message.Text },
        };
        mime.From.Add(from);
        mime.To.Add(to);
        mime.Headers.Add("Auto-Submitted", "auto-generated");
        return mime;
    }
}
