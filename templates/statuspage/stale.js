// Shows the notice when the page is older than five minutes: it is written anew every minute while all is well.
"use strict";
(function () {
  const notice = document.querySelector(".stale");
  if (!notice) return;
  const generated = Date.parse(notice.dataset.generated);
  function look() {
    notice.classList.toggle("shown", Date.now() - generated > 5 * 60 * 1000);
  }
  look();
  setInterval(look, 15 * 1000);
})();
