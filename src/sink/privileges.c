/*
 * Giving up privileges: the user is looked up before the root changes and taken on after.
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const char fallback[] = "nobody";

static int become(const struct passwd *pw, struct diag *d)
{
    if (setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
        return diag_set(d, -errno, "cannot switch to user %s: %s", pw->pw_name, strerror(errno));
    return 0;
}

static int change_root(const char *root, struct diag *d)
{
    if (chroot(root) < 0 || chdir("/") < 0)
        return diag_set(d, -errno, "cannot change the root directory to %s: %s", root,
                        strerror(errno));
    return 0;
}

int privileges_drop(const struct privileges *p, bool local, struct diag *d)
{
    bool super = geteuid() == 0;
    const char *user = p->user ? p->user : super ? fallback : NULL;
    struct passwd *pw = NULL;
    int rc = 0;

    if (super && !p->user && !local)
        return diag_set(d, -EPERM,
                        "running as root needs -u USER, unless listening on loopback "
                        "or UNIX addresses only");
    if (user) {
        errno = 0;
        pw = getpwnam(user);
        if (!pw)
            return diag_set(d, errno ? -errno : -ENOENT, "unknown user: %s", user);
        if (super && initgroups(pw->pw_name, pw->pw_gid) < 0)
            return diag_set(d, -errno, "cannot set the groups of user %s: %s", user,
                            strerror(errno));
    }
    if (p->root)
        rc = change_root(p->root, d);
    if (rc == 0 && pw)
        rc = become(pw, d);
    if (rc == 0 && super && !p->user)
        diag_note("running as user %s, since none was given with -u", fallback);
    return rc;
}
